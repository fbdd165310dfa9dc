//! The two documents, whole.

use akbuild_attest::{Component, Item, Material, Origin, Project, ProvenanceError, Ships, sbom};
use akbuild_nar::{Algo, Digest};

use crate::sample;

#[test]
fn a_bill_of_materials() {
    let text = sbom(&sample::project(), &sample::components(), "0.1.0").unwrap();
    insta::assert_snapshot!(text, @r#"
    {
      "bomFormat": "CycloneDX",
      "specVersion": "1.6",
      "serialNumber": "urn:uuid:c521c251-b509-8fdf-9bf1-c8d71cbfb918",
      "version": 1,
      "metadata": {
        "lifecycles": [
          {
            "phase": "build"
          }
        ],
        "tools": {
          "components": [
            {
              "type": "application",
              "name": "akbuild",
              "version": "0.1.0"
            }
          ]
        },
        "component": {
          "type": "container",
          "bom-ref": "pkg:oci/mini@sha256%3A6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d?tag=1.2.0",
          "name": "mini",
          "version": "1.2.0",
          "hashes": [
            {
              "alg": "SHA-256",
              "content": "6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d"
            }
          ],
          "purl": "pkg:oci/mini@sha256%3A6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d?tag=1.2.0"
        }
      },
      "components": [
        {
          "type": "library",
          "bom-ref": "pkg:deb/debian/g%2B%2B@4%3A15.2.0-4?arch=amd64",
          "name": "g++",
          "version": "4:15.2.0-4",
          "scope": "required",
          "hashes": [
            {
              "alg": "SHA-256",
              "content": "9cfa1468c93fc18652e34a000f0c6614b0fa18f6f4887477ad9b0d36ca6a7eaa"
            }
          ],
          "licenses": [
            {
              "expression": "LGPL-2.1-or-later AND GPL-3.0-or-later WITH GCC-exception-3.1 AND (MIT OR ISC)"
            }
          ],
          "purl": "pkg:deb/debian/g%2B%2B@4%3A15.2.0-4?arch=amd64",
          "properties": [
            {
              "name": "akbuild:ships",
              "value": "bundled"
            }
          ]
        },
        {
          "type": "library",
          "bom-ref": "pkg:deb/debian/tzdata@2026a-1?arch=amd64",
          "name": "tzdata",
          "version": "2026a-1",
          "scope": "required",
          "licenses": [
            {
              "license": {
                "id": "BSD-3-Clause"
              }
            },
            {
              "license": {
                "name": "MIT AND ISC"
              }
            },
            {
              "license": {
                "name": "public-domain"
              }
            }
          ],
          "purl": "pkg:deb/debian/tzdata@2026a-1?arch=amd64",
          "properties": [
            {
              "name": "akbuild:ships",
              "value": "installed"
            }
          ]
        },
        {
          "type": "application",
          "bom-ref": "pkg:generic/app@version%2F1.2.0?vcs_url=git%2Bhttps://forge.example/app.git%401111111111111111111111111111111111111111",
          "name": "app",
          "version": "version/1.2.0",
          "scope": "required",
          "licenses": [
            {
              "license": {
                "id": "MIT"
              }
            }
          ],
          "purl": "pkg:generic/app@version%2F1.2.0?vcs_url=git%2Bhttps://forge.example/app.git%401111111111111111111111111111111111111111",
          "externalReferences": [
            {
              "type": "vcs",
              "url": "https://forge.example/app.git"
            }
          ],
          "properties": [
            {
              "name": "akbuild:commit",
              "value": "1111111111111111111111111111111111111111"
            },
            {
              "name": "akbuild:nar",
              "value": "sha256-3Jxe24stR55pe0sLirh08ysyUThZjOnnt1nrgpIRBiI="
            },
            {
              "name": "akbuild:ships",
              "value": "installed"
            }
          ]
        },
        {
          "type": "application",
          "bom-ref": "pkg:generic/data@1.0?checksum=sha256:2f351a859fd863f6a351705345e707f97b59cf57eb29ddcbe1e52333dfc89975&download_url=https://forge.example/data-1.0.tar.gz",
          "name": "data",
          "version": "1.0",
          "scope": "required",
          "hashes": [
            {
              "alg": "SHA-256",
              "content": "2f351a859fd863f6a351705345e707f97b59cf57eb29ddcbe1e52333dfc89975"
            }
          ],
          "purl": "pkg:generic/data@1.0?checksum=sha256:2f351a859fd863f6a351705345e707f97b59cf57eb29ddcbe1e52333dfc89975&download_url=https://forge.example/data-1.0.tar.gz",
          "externalReferences": [
            {
              "type": "source-distribution",
              "url": "https://forge.example/data-1.0.tar.gz"
            }
          ],
          "properties": [
            {
              "name": "akbuild:nar",
              "value": "sha256-Om6weQ85rIfJTzhWst0sXREOaBFgImGpqSPTuyOtyLc="
            },
            {
              "name": "akbuild:ships",
              "value": "installed"
            }
          ]
        },
        {
          "type": "library",
          "bom-ref": "pkg:golang/example.org/old@v2.0.0%2Bincompatible",
          "name": "example.org/old",
          "version": "v2.0.0+incompatible",
          "scope": "required",
          "hashes": [
            {
              "alg": "SHA-256",
              "content": "4a70fe9aa6436e02c2dea340fbd1e352e4ef2d8ce6ca52ad25d4b95471fc8bf2"
            }
          ],
          "licenses": [
            {
              "expression": "MIT OR ISC"
            }
          ],
          "purl": "pkg:golang/example.org/old@v2.0.0%2Bincompatible",
          "properties": [
            {
              "name": "akbuild:go:h1",
              "value": "h1:SnD+mqZDbgLC3qNA+9HjUuTvLYzmylKtJdS5VHH8i/I="
            },
            {
              "name": "akbuild:go:h1-mod",
              "value": "h1:5Vz/yBpa2M/oUjnZRKOulRNkWp7tebyIT1G4Cydg/EY="
            },
            {
              "name": "akbuild:ships",
              "value": "bundled"
            }
          ]
        },
        {
          "type": "library",
          "bom-ref": "pkg:npm/%40lit/context@1.1.6",
          "group": "@lit",
          "name": "context",
          "version": "1.1.6",
          "scope": "required",
          "hashes": [
            {
              "alg": "SHA-512",
              "content": "07070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707"
            }
          ],
          "licenses": [
            {
              "license": {
                "id": "BSD-3-Clause"
              }
            }
          ],
          "purl": "pkg:npm/%40lit/context@1.1.6",
          "properties": [
            {
              "name": "akbuild:ships",
              "value": "bundled"
            }
          ]
        },
        {
          "type": "library",
          "bom-ref": "pkg:npm/left-pad@1.3.0",
          "name": "left-pad",
          "version": "1.3.0",
          "scope": "optional",
          "licenses": [
            {
              "license": {
                "id": "MIT"
              }
            },
            {
              "license": {
                "id": "WTFPL"
              }
            }
          ],
          "purl": "pkg:npm/left-pad@1.3.0",
          "properties": [
            {
              "name": "akbuild:ships",
              "value": "optional"
            }
          ]
        },
        {
          "type": "library",
          "bom-ref": "pkg:pypi/ruamel-yaml@0.18%2Blocal?file_name=ruamel_yaml-0.18%2Blocal-py3-none-any.whl",
          "name": "ruamel-yaml",
          "version": "0.18+local",
          "scope": "required",
          "licenses": [
            {
              "license": {
                "name": "BSD License"
              }
            }
          ],
          "purl": "pkg:pypi/ruamel-yaml@0.18%2Blocal?file_name=ruamel_yaml-0.18%2Blocal-py3-none-any.whl",
          "properties": [
            {
              "name": "akbuild:ships",
              "value": "installed"
            }
          ]
        }
      ],
      "dependencies": [
        {
          "ref": "pkg:oci/mini@sha256%3A6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d?tag=1.2.0",
          "dependsOn": [
            "pkg:deb/debian/g%2B%2B@4%3A15.2.0-4?arch=amd64",
            "pkg:deb/debian/tzdata@2026a-1?arch=amd64",
            "pkg:generic/app@version%2F1.2.0?vcs_url=git%2Bhttps://forge.example/app.git%401111111111111111111111111111111111111111",
            "pkg:generic/data@1.0?checksum=sha256:2f351a859fd863f6a351705345e707f97b59cf57eb29ddcbe1e52333dfc89975&download_url=https://forge.example/data-1.0.tar.gz",
            "pkg:golang/example.org/old@v2.0.0%2Bincompatible",
            "pkg:npm/%40lit/context@1.1.6",
            "pkg:npm/left-pad@1.3.0",
            "pkg:pypi/ruamel-yaml@0.18%2Blocal?file_name=ruamel_yaml-0.18%2Blocal-py3-none-any.whl"
          ]
        }
      ]
    }
    "#);
}

/// The serial number is the SHA-256 of the document without its line, as a UUID of version 8.
#[test]
fn the_serial_number_is_the_contents() {
    let text = sbom(&sample::project(), &sample::components(), "0.1.0").unwrap();
    let (numbers, rest): (Vec<&str>, Vec<&str>) = text.split_inclusive('\n').partition(|l| l.contains("serialNumber"));
    let hex = Digest::sha256(rest.concat().as_bytes()).hex();
    let variant = ["8", "9", "a", "b"][usize::from_str_radix(&hex[16..17], 16).unwrap() & 3];
    let (a, b, c, d, e) = (&hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32]);
    assert_eq!(numbers, [format!("  \"serialNumber\": \"urn:uuid:{a}-{b}-8{c}-{variant}{d}-{e}\",\n")]);

    let other = sbom(&sample::project(), &sample::components(), "0.1.1").unwrap();
    assert!(!other.contains(numbers[0]));
}

#[test]
fn a_secret_is_in_neither() {
    let secrets = ["hunter2", "reader"];
    let documents =
        [sbom(&sample::project(), &sample::components(), "0.1.0").unwrap(), sample::provenance().to_json().unwrap()];
    assert!(documents.iter().all(|d| d.contains("forge.example/app.git") && !secrets.iter().any(|s| d.contains(s))));
}

#[test]
fn an_empty_image_has_a_bill_too() {
    let project = Project { name: "mini".into(), version: "1".into(), image: None };
    let text = sbom(&project, &[], "0.1.0").unwrap();
    assert!(text.contains(r#""bom-ref": "pkg:generic/mini@1""#) && text.contains(r#""dependsOn": []"#), "{text}");
}

#[test]
fn one_package_that_came_twice_is_one() {
    let digest = Digest::sha256(b"a");
    let a = sample::npm("a", "1.0.0").digest(digest).ships(Ships::Optional);
    let twice =
        [a.clone().ships(Ships::Bundled).licensed([sample::licence("MIT")]), a.licensed([sample::licence("MIT")])];
    let once = sample::npm("a", "1.0.0").digest(digest).ships(Ships::Bundled).licensed([sample::licence("MIT")]);
    assert_eq!(sbom(&sample::project(), &twice, "1"), sbom(&sample::project(), &[once], "1"));
}

#[test]
fn contradictions_are_errors() {
    let wrong = |project: &Project, components: &[Component]| sbom(project, components, "1").unwrap_err().to_string();
    let project = sample::project();
    let a = sample::npm("a", "1.0.0");
    insta::assert_snapshot!(wrong(&project, &[a.clone().digest(Digest::sha256(b"1")), a.clone().digest(Digest::sha256(b"2"))]), @"pkg:npm/a@1.0.0 has two digests, sha256-a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s= and sha256-1HNeOiZeFu7gP1lxi5tdAwGcB9i2xR+Q2jpmbuwTqzU=; lock the one that is meant");
    let renamed = Component { name: "b".into(), ..a.clone() };
    insta::assert_snapshot!(wrong(&project, &[renamed, a]), @"pkg:npm/a@1.0.0 stands for both a 1.0.0 and b 1.0.0; give one of them another name");
    let no_image = Project { image: None, ..project.clone() };
    let origin = Origin { address: None, commit: None, tree: Digest::sha256(b"") };
    insta::assert_snapshot!(wrong(&no_image, &[Component::source("mini", "1.2.0", origin, None)]), @"pkg:generic/mini@1.2.0 is both the image and one of its components; give the image's digest, or the component another name");
    let sha1 = Project { image: Some(Digest::new(Algo::Sha1, &[1; 20]).unwrap()), ..project };
    insta::assert_snapshot!(wrong(&sha1, &[]), @"the image's digest is sha1-AQEBAQEBAQEBAQEBAQEBAQEBAQE=, expected a sha256");
}

#[test]
fn a_provenance() {
    insta::assert_snapshot!(sample::provenance().to_json().unwrap(), @r#"
    {
      "_type": "https://in-toto.io/Statement/v1",
      "subject": [
        {
          "name": "mini",
          "digest": {
            "sha256": "6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d"
          }
        }
      ],
      "predicateType": "https://slsa.dev/provenance/v1",
      "predicate": {
        "buildDefinition": {
          "buildType": "urn:akbuild:build-type:image:v1",
          "externalParameters": {
            "project": "mini",
            "version": "1.2.0",
            "target": "image",
            "recipe": {
              "name": "akbuild.toml",
              "digest": {
                "sha256": "e1d8e552330911f9f779f85b6f2c00a15e790dcc3fbb3b28f5da1d660a30c5b8"
              }
            },
            "lock": {
              "name": "akbuild.lock",
              "digest": {
                "sha256": "0c030586945fe504b604ecc2e875c38ede400cd5cd73da9730302162e6b02c6f"
              }
            },
            "overlay": {
              "name": "akbuild.local.toml",
              "digest": {
                "sha256": "b4b33d2441645d4dd0a0694b5989a0a14a5cc22fe9865e6b7b7eae966e0de36c"
              }
            },
            "replacedSources": [
              {
                "name": "helper",
                "digest": {
                  "narSha256": "25bf8e1a2393f1108d37029b3df5593236c755742ec93465bbafa9b290bddcf6"
                }
              }
            ]
          },
          "internalParameters": {
            "akbuild": "0.1.0",
            "toolchain": "debian",
            "stages": {
              "web": "sha256-LHDhK3oGRvkiefQnx7OOczTY5Tic/xZ6HcMOc/gmtoM="
            }
          },
          "resolvedDependencies": [
            {
              "uri": "git+https://forge.example/app.git@1111111111111111111111111111111111111111",
              "name": "app",
              "digest": {
                "gitCommit": "1111111111111111111111111111111111111111",
                "narSha256": "dc9c5edb8b2d479e697b4b0b8ab874f32b325138598ce9e7b759eb8292110622"
              }
            },
            {
              "uri": "https://forge.example/data-1.0.tar.gz",
              "name": "data",
              "digest": {
                "narSha256": "3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7",
                "sha256": "2f351a859fd863f6a351705345e707f97b59cf57eb29ddcbe1e52333dfc89975"
              }
            },
            {
              "uri": "pkg:deb/debian/g%2B%2B@4%3A15.2.0-4?arch=amd64",
              "digest": {
                "sha256": "9cfa1468c93fc18652e34a000f0c6614b0fa18f6f4887477ad9b0d36ca6a7eaa"
              }
            },
            {
              "uri": "pkg:deb/debian/tzdata@2026a-1?arch=amd64"
            },
            {
              "uri": "pkg:golang/example.org/old@v2.0.0%2Bincompatible"
            },
            {
              "uri": "pkg:golang/example.org/old@v2.0.0%2Bincompatible",
              "digest": {
                "dirHash": "4a70fe9aa6436e02c2dea340fbd1e352e4ef2d8ce6ca52ad25d4b95471fc8bf2"
              }
            },
            {
              "uri": "pkg:golang/example.org/old@v2.0.0%2Bincompatible#go.mod",
              "digest": {
                "dirHash": "e55cffc81a5ad8cfe85239d944a3ae9513645a9eed79bc884f51b80b2760fc46"
              }
            },
            {
              "uri": "pkg:npm/%40lit/context@1.1.6",
              "digest": {
                "sha512": "07070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707"
              }
            },
            {
              "uri": "pkg:npm/left-pad@1.3.0"
            },
            {
              "uri": "pkg:pypi/ruamel-yaml@0.18%2Blocal?file_name=ruamel_yaml-0.18%2Blocal-py3-none-any.whl"
            }
          ]
        },
        "runDetails": {
          "builder": {
            "id": "https://ci.example/builders/1",
            "version": {
              "akbuild": "0.1.0"
            }
          },
          "metadata": {
            "invocationId": "2026-11-22/7",
            "startedOn": "2026-11-22T23:22:51Z",
            "finishedOn": "2026-11-22T23:26:39Z"
          },
          "byproducts": [
            {
              "name": "logs/web",
              "digest": {
                "sha256": "836ff184e7b41b1e13cb5fd89fa1de98dbbab99e9d2918913ff43b86a5c7c213"
              }
            }
          ]
        }
      }
    }
    "#);
}

#[test]
fn what_is_not_known_is_left_out() {
    let mut provenance = sample::provenance();
    provenance.external.overlay = None;
    provenance.external.replaced.clear();
    provenance.builder.versions.clear();
    provenance.run.invocation = None;
    (provenance.run.started, provenance.run.finished) = (None, None);
    provenance.run.byproducts.clear();
    provenance.materials = vec![Material::source("local", "1", &local(), None)];
    let text = provenance.to_json().unwrap();
    let absent =
        ["overlay", "replacedSources", "startedOn", "finishedOn", "invocationId", "byproducts", "null", "/srv"];
    assert_eq!(absent.iter().filter(|word| text.contains(**word)).count(), 0, "{text}");
    assert!(text.contains(r#""uri": "pkg:generic/local@1""#) && text.contains("narSha256"), "{text}");
}

fn local() -> Origin {
    Origin { address: Some("/srv/local".into()), commit: None, tree: Digest::sha256(b"local") }
}

#[test]
fn what_a_statement_cannot_be_without() {
    let mut provenance = sample::provenance();
    provenance.builder.id = "this machine".into();
    insta::assert_snapshot!(provenance.to_json().unwrap_err(), @"`this machine` is not a builder's name, expected a URI such as `https://ci.example/builders/1`");
    provenance.subjects = vec![Item { name: "mini".into(), digest: Default::default() }];
    assert_eq!(provenance.to_json(), Err(ProvenanceError::NoDigest { name: "mini".into() }));
    insta::assert_snapshot!(provenance.to_json().unwrap_err(), @"`mini` has no digest: a subject is known by its digest");
    provenance.subjects.clear();
    insta::assert_snapshot!(provenance.to_json().unwrap_err(), @"a provenance needs at least one subject, found none");
}
