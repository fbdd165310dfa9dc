//! Images that are sound: what becomes of their options.

mod common;

use akbuild_recipe::plan::{Image, Layer, Step};
use common::{GOOD, plan, with};

fn image(recipe: &str) -> Image {
    let plan = plan(recipe).unwrap();
    let Step::Image(image) = plan.stages.into_iter().last().unwrap().step else { panic!("no image") };
    *image
}

#[test]
fn options_are_taken_over() {
    insta::assert_debug_snapshot!(image(GOOD), @r#"
    Image {
        tree: Stage(
            "all",
        ),
        at: "/srv/mini",
        sysroot: (
            "runtime",
            Subset {
                include: [],
                exclude: [
                    "boot",
                ],
                by_kind: false,
            },
        ),
        files: [
            WrittenFile {
                path: "start",
                text: "{word}",
                executable: true,
            },
        ],
        folders: [
            Folder {
                path: "tmp",
                mode: 1023,
            },
            Folder {
                path: "data",
                mode: 493,
            },
        ],
        compression: Zstd(
            19,
        ),
        layers: [
            ImageLayer {
                name: "sysroot",
                tree: Stage(
                    "image/sysroot",
                ),
                from: [],
            },
            ImageLayer {
                name: "web",
                tree: Stage(
                    "image/web",
                ),
                from: [
                    Stage(
                        "web",
                    ),
                ],
            },
            ImageLayer {
                name: "app",
                tree: Stage(
                    "image/app",
                ),
                from: [
                    Source(
                        "app",
                    ),
                ],
            },
            ImageLayer {
                name: "glue",
                tree: Stage(
                    "image/glue",
                ),
                from: [],
            },
        ],
        config: ImageConfig {
            architecture: "amd64",
            entrypoint: [
                "/start",
                "serve",
            ],
            command: [
                "all",
            ],
            env: {
                "PATH": "/usr/bin",
            },
            user: "65534:nogroup",
            workdir: "/srv",
            ports: [
                "53/udp",
                "80",
                "9000/tcp",
            ],
            labels: {
                "org.opencontainers.image.version": "1.2.0",
            },
            volumes: [
                "/data",
                "/media",
            ],
            stop_signal: "SIGQUIT",
            healthcheck: Some(
                Healthcheck {
                    command: [
                        "/start",
                        "check",
                    ],
                    interval: 5,
                    timeout: 30,
                    start_period: 0,
                    retries: 3,
                },
            ),
        },
        push: Some(
            "registry.example/mini:{key}",
        ),
    }
    "#);
}

#[test]
fn options_have_defaults() {
    let start = GOOD.find("at = ").unwrap();
    insta::assert_debug_snapshot!(image(&format!("{}entrypoint = [\"/start\"]\n", &GOOD[..start])), @r#"
    Image {
        tree: Stage(
            "all",
        ),
        at: "/opt/mini",
        sysroot: (
            "runtime",
            Subset {
                include: [],
                exclude: [],
                by_kind: false,
            },
        ),
        files: [],
        folders: [],
        compression: Gzip(
            6,
        ),
        layers: [
            ImageLayer {
                name: "sysroot",
                tree: Stage(
                    "image/sysroot",
                ),
                from: [],
            },
            ImageLayer {
                name: "glue",
                tree: Stage(
                    "image/glue",
                ),
                from: [],
            },
        ],
        config: ImageConfig {
            architecture: "amd64",
            entrypoint: [
                "/start",
            ],
            command: [],
            env: {},
            user: "",
            workdir: "",
            ports: [],
            labels: {},
            volumes: [],
            stop_signal: "",
            healthcheck: None,
        },
        push: None,
    }
    "#);
}

#[test]
fn the_root_and_whole_ranges_are_allowed() {
    assert_eq!(image(&with("at = \"/srv/mini/\"", "at = \"/\"")).at, "/");
    assert_eq!(image(&with("workdir = \"/srv/\"", "workdir = \"/\"")).config.workdir, "/");
    assert_eq!(image(&with("\"80\"", "\"65535/sctp\"")).config.ports, ["53/udp", "65535/sctp", "9000/tcp"]);
    for user in ["", "0", "nobody", "nobody:www-data", "1000:1000"] {
        assert_eq!(image(&with("65534:nogroup", user)).config.user, user);
    }
    for mode in ["0", "755", "0755", "7777"] {
        assert_eq!(
            image(&with("\"1777\"", &format!("\"{mode}\""))).folders[0].mode,
            u32::from_str_radix(mode, 8).unwrap()
        );
    }
}

/// Each layer's stage: its name, weight and place, what of which trees goes where, and what is written.
#[test]
fn each_layer_is_a_stage_of_what_the_tree_is_made_of() {
    let weighted = with("kind = \"image\"", "kind = \"image\"\nweight = 3");
    let plan = plan(&weighted).unwrap();
    let lines = plan.stages.iter().map(|stage| {
        let about = format!("{} {} {} {}", stage.id, stage.kind, stage.weight, stage.at);
        let Step::Layer(layer) = &stage.step else { return about };
        format!("{about}\n{}", contents(layer))
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r#"
    web run 1 akbuild.toml:19
    inner tree 1 akbuild.toml:23
    all tree 1 akbuild.toml:27
    image/sysroot image-layer 3 akbuild.toml:31
        sysroot runtime without ["boot"]
        Zstd(19)
    image/web image-layer 3 akbuild.toml:31
        Stage("web") "" [] -> srv/mini/web
        Zstd(19)
    image/app image-layer 3 akbuild.toml:31
        Source("app") "doc" [] -> srv/mini/doc
        Source("app") "" ["*.py"] -> srv/mini
        Zstd(19)
    image/glue image-layer 3 akbuild.toml:31
        file start
        folder tmp 1777
        folder data 755
        Zstd(19)
    image image 3 akbuild.toml:31
    "#);
}

fn contents(layer: &Layer) -> String {
    let mut lines: Vec<String> = Vec::new();
    lines.extend(layer.sysroot.iter().map(|(id, subset)| format!("sysroot {id} without {:?}", subset.exclude)));
    lines.extend(layer.pieces.iter().map(|p| format!("{:?} {:?} {:?} -> {}", p.from, p.path, p.subset.include, p.to)));
    lines.extend(layer.files.iter().map(|f| format!("file {}", f.path)));
    lines.extend(layer.folders.iter().map(|f| format!("folder {} {:o}", f.path, f.mode)));
    lines.push(format!("{:?}", layer.compression));
    lines.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}
