//! What a stage sees.

use crate::world::World;

const STAGES: &str = r#"
[stages.last]
kind = "run"
copies = [{ from = "app", include = ["src/**"] }]
env = { EXTRA = "more" }
script = '''
shopt -s dotglob globstar
{
  echo "folder $PWD: $(echo **)"
  echo "root: $(echo /*)"
  echo "temporary: $(echo /tmp/*)"
  echo "homes: $(echo /home/* /root/* /mnt/* /opt/*)"
  echo "processes: $(for p in /proc/[0-9]*; do [ "$p" = "/proc/$BASHPID" ] || echo "${p##*/}"; done)"
  echo "uid $(id -u) gid $(id -g) groups $(id -G)"
  echo "hostname $(cat /proc/sys/kernel/hostname)"
  echo "capabilities $(while read -r name value; do [ "$name" != CapEff: ] || echo "$value"; done < /proc/self/status)"
  echo "interfaces: $(while IFS=' :' read -r name rest; do case "$rest" in *\|*) ;; *) echo "$name";; esac; done < /proc/net/dev)"
  echo "routes: $(tail -n +2 /proc/net/route)"
  echo "devices: $(echo /dev/*)"
  echo "environment:"
  while IFS= read -r -d "" variable; do echo "  $variable"; done < /proc/$$/environ | sort
} > "$out/seen"
'''
"#;

#[test]
fn a_stage_sees_what_it_declares_and_nothing_else() {
    for world in [World::unlocked(STAGES), World::of_user(STAGES)] {
        world.write("app/src/a.c", "");
        world.write("app/src/deep/b.c", "");
        world.write("app/other/c.c", "");
        world.lock();
        let _ = world.run(&["all"]).ok();
        insta::allow_duplicates! {
            insta::assert_snapshot!(world.result("seen"), @"
            folder /build: src src/a.c src/deep src/deep/b.c
            root: /bin /build /dev /etc /home /lib /lib64 /mnt /opt /out /proc /root /run /sbin /srv /tmp /usr /var
            temporary: /tmp/*
            homes: /home/* /root/* /mnt/* /opt/akbuild
            processes: 1
            2
            uid 1000 gid 1000 groups 1000
            hostname localhost
            capabilities 0000000000000000
            interfaces: lo
            routes: 
            devices: /dev/fd /dev/full /dev/null /dev/random /dev/shm /dev/stderr /dev/stdin /dev/stdout /dev/tty /dev/urandom /dev/zero
            environment:
              EXTRA=more
              HOME=/tmp
              LANG=C.UTF-8
              PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
              SOURCE_DATE_EPOCH=315532800
              TMPDIR=/tmp
              TZ=UTC
              out=/out
            ");
        }
    }
}

/// Each of these must fail.
const FORBIDDEN: [&str; 9] = [
    "exec 3<> /dev/tcp/127.0.0.1/PORT",
    "exec 3<> /dev/tcp/localhost/PORT",
    "exec 3<> /dev/tcp/name.invalid/80",
    "cat HOME/index-v2.sqlite",
    "cat WORLD/project/akbuild.toml",
    "cat /etc/shadow",
    "echo x > /usr/bin/x",
    "echo x >> /words/words",
    "echo x > /x",
];

#[test]
fn a_stage_reaches_nothing_else() {
    for world in [World::unlocked(""), World::of_user("")] {
        let port = world.server.url("").rsplit(':').next().unwrap().to_owned();
        let tries = FORBIDDEN.iter().enumerate().map(|(i, line)| {
            let line = line.replace("PORT", &port).replace("HOME", world.home().to_str().unwrap());
            format!(
                "if ({}) 2> /dev/null; then echo {i} >> \"$out/reached\"; fi\n",
                line.replace("WORLD", world.path("").to_str().unwrap())
            )
        });
        let script = format!("cat /words/words > \"$out/words\"\n{}", tries.collect::<String>());
        world.recipe(&format!("{}\n[stages.last]\nkind = \"run\"\nmounts = [{{ from = \"words\", to = \"/words\" }}]\nscript = '''\n{script}'''\n", WORDS));
        world.write("app/a.txt", "one\n");
        world.lock();
        let questions = world.server.questions();
        let _ = world.run(&["all"]).ok();
        assert_eq!(crate::world::names(&world.path("project/result")), ["words"]);
        assert_eq!(world.server.questions(), questions + 1, "the package");
    }
}

const WORDS: &str = "[stages.words]\nkind = \"run\"\nscript = 'cat *.txt > \"$out/words\"'\ncopies = [{ from = \"app\", include = [\"*.txt\"] }]\n";
