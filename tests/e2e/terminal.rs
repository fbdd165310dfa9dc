//! A terminal for the program: what it shows of text that would make a terminal do something.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::{Command, ExitStatus, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;

use crate::world::World;

/// A terminal: the person's end, and the end that programs open.
pub(crate) struct Terminal {
    pub(crate) person: File,
    name: std::ffi::CString,
}

impl Terminal {
    pub(crate) fn new() -> Terminal {
        let person = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        rustix::pty::grantpt(&person).unwrap();
        rustix::pty::unlockpt(&person).unwrap();
        let size = rustix::termios::Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&person, size).unwrap();
        let name = rustix::pty::ptsname(&person, Vec::new()).unwrap();
        Terminal { person: person.into(), name }
    }

    pub(crate) fn open(&self) -> OwnedFd {
        rustix::fs::open(&self.name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap()
    }

    /// Runs a program whose output goes to the terminal, to its end; gives all that it showed.
    pub(crate) fn run(mut self, command: &mut Command) -> (String, ExitStatus) {
        let mut child = command.stdout(self.open()).stderr(self.open()).stdin(Stdio::null()).spawn().unwrap();
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let (mut shown, mut bytes) = (Vec::new(), [0; 4096]);
        // EIO once nobody has the other end open.
        while let Ok(length @ 1..) = self.person.read(&mut bytes) {
            shown.extend(&bytes[..length]);
        }
        (String::from_utf8(shown).unwrap(), child.wait().unwrap())
    }
}

/// Characters that a terminal obeys, or that mislead a reader.
const EVIL: &str = "evil\x1b]0;x\x07\u{9b}31m\u{202e}\u{2066}\u{2028}\x7fend";

/// A stage leaves, logs and fails with such text, as file, as link and as what is in a file.
fn stages() -> String {
    let text = EVIL.chars().map(|c| if c.is_ascii_graphic() { c.to_string() } else { format!("\\u{:04x}", c as u32) });
    let text: String = text.collect();
    format!(
        r#"
[stages.words]
kind = "run"
script = '''
e=$'{text}'; echo "$e"; echo "$e" > "$out/$e"; ln -s "$e" "$out/link"; mkdir "$out/folder $e"; echo x > "$out/x"
cat a.txt >> "$out/$e"
'''
copies = [{{ from = "app", include = ["*.txt"] }}]

[stages.fails]
kind = "run"
script = "echo $'{text}'; exit 3"

[stages.changes]
kind = "run"
script = "e=$'{text}'; echo \"$e $RANDOM $$ $(date +%N)\" > \"$out/$e\"; exit 0"

[stages.last]
kind = "tree"
pieces = [{{ from = "words" }}]
"#,
    )
}

fn world() -> World {
    let world = World::new(&stages());
    world.write("app/a.txt", "one\n");
    let _ = world.run(&["all", "-q"]).ok();
    let _ = world.run(&["build", "fails", "-q"]).failed();
    world.write("app/a.txt", EVIL);
    world.write(&format!("app/{EVIL}.txt"), EVIL);
    let _ = world.run(&["all", "-q"]).ok();
    world
}

/// The command lines that print text from outside; the last ones of those that fail.
fn lines(evil: &str) -> Vec<Vec<&str>> {
    let all: [&[&str]; 34] = [
        &["all", "-v"],
        &["build", "words", "--rebuild", "-v"],
        &["build", "words", "--rebuild"],
        &["build", "words", "--rebuild", "-v", "--json"],
        &["build", "changes", "--check"],
        &["build", "changes", "--check", "--json"],
        &["build", "fails"],
        &["build", "fails", "-q"],
        &["build", "fails", "--json"],
        &["plan"],
        &["plan", "--json"],
        &["graph"],
        &["graph", "--format", "json"],
        &["why", "words"],
        &["why", "words", "--json"],
        &["log", "fails"],
        &["log", "words"],
        &["cache", "ls"],
        &["cache", "show", "words"],
        &["cache", "show", "words", "--json"],
        &["cache", "tree", "words"],
        &["cache", "tree", "words", "--json"],
        &["cache", "cat", "words", "link"],
        &["cache", "diff", "words~1", "words"],
        &["cache", "diff", "words~1", "words", "--json"],
        &["cache", "cat", "words", evil],
        &["cache", "cat", "words", "none\x1b\u{9b}"],
        &["cache", "show", evil],
        &["build", evil],
        &["log", evil],
        &["hash", evil],
        &["-C", evil, "all"],
        &["cache", "export", "-o", evil],
        &[evil],
    ];
    all.map(<[&str]>::to_vec).to_vec()
}

/// Characters that must not reach a terminal, but for those of `allowed`.
fn obeyed(text: &str, allowed: &[char]) -> Vec<char> {
    let is_bad = |c: &char| {
        let turns = matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        (turns || c.is_control()) && !allowed.contains(c)
    };
    text.chars().filter(is_bad).collect()
}

#[test]
fn no_command_passes_on_what_a_terminal_obeys() {
    let world = world();
    for line in lines(EVIL) {
        let ran = world.run(&line);
        let raw = matches!(line[..], ["cache", "cat", ..] | ["log", "fails" | "words"]);
        if raw {
            assert!(ran.code != Some(0) || ran.out.contains(EVIL), "{line:?}");
        } else {
            assert_eq!(obeyed(&ran.out, &['\n']), Vec::<char>::new(), "{line:?}\n{}", ran.out);
        }
        assert_eq!(obeyed(&ran.err, &['\n']), Vec::<char>::new(), "{line:?}\n{}", ran.err);
    }
}

#[test]
fn on_a_terminal_not_even_data_passes_it_on() {
    let world = world();
    for line in lines(EVIL) {
        // Without a terminal that can move its cursor there are only lines.
        let plain = [&["--color", "never"], &line[..]].concat();
        let (shown, _) = Terminal::new().run(world.command(&plain).env("TERM", "dumb"));
        assert_eq!(obeyed(&shown, &['\n', '\r']), Vec::<char>::new(), "{line:?}\n{shown}");
        let (shown, _) = Terminal::new().run(world.command(&line).env("TERM", "xterm"));
        let rest = own_sequences(&shown);
        assert_eq!(obeyed(&rest, &['\n', '\r']), Vec::<char>::new(), "{line:?}\n{shown:?}");
    }
}

/// Takes out colours and movements of the cursor that the program itself makes.
fn own_sequences(shown: &str) -> String {
    let mut parts = shown.split("\x1b[");
    let mut rest = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !(c.is_ascii_digit() || c == ';')).unwrap();
        let (codes, after) = (&part[..end], &part[end + 1..]);
        let known = match &part[end..=end] {
            "m" => ["0", "1", "2", "32", "33", "1;31", "1;34"].contains(&codes),
            "A" | "B" => true,
            "K" => codes == "2" || codes.is_empty(),
            "J" => codes.is_empty() || codes == "0",
            _ => false,
        };
        rest += if known { "" } else { "\x1b" };
        rest += after;
    }
    rest
}

#[test]
fn a_recipe_that_names_such_text_is_shown_without_it() {
    let world = World::unlocked("");
    let escaped: String = EVIL.chars().map(|c| format!("\\u{:04x}", c as u32)).collect();
    world.write(
        "akbuild.toml",
        &format!(
            "[project]\nname = \"{escaped}\"\n\"{escaped}\" = 1 # {}\n",
            EVIL.replace(['\x1b', '\x07', '\x7f'], "")
        ),
    );
    let ran = world.run(&["all"]).failed();
    assert_eq!(obeyed(&ran.err, &['\n']), Vec::<char>::new(), "{}", ran.err);
    assert!(ran.err.contains("\\u001b"), "{}", ran.err);
    let (shown, _) = Terminal::new().run(world.command(&["all"]).env("TERM", "xterm"));
    assert_eq!(obeyed(&own_sequences(&shown), &['\n', '\r']), Vec::<char>::new(), "{shown:?}");
    assert!(shown.contains("\x1b[1;31merror\x1b[0m"), "{shown:?}");
}

#[test]
fn data_that_is_not_for_a_terminal_is_passed_on_as_it_is() {
    let world = world();
    let mut command = world.command(&["cache", "cat", "words", EVIL]);
    let piped = command.output().unwrap();
    assert_eq!(String::from_utf8(piped.stdout).unwrap(), format!("{EVIL}\n{EVIL}"));
    let (shown, status) = Terminal::new().run(&mut command);
    assert!(
        status.success() && shown.starts_with("evil\\u001b]0;x\\u0007\\u009b31m\\u202e\\u2066\\u2028\\u007fend\r\n")
    );
    // Of a log, a terminal shows what the line would have left.
    let (shown, _) = Terminal::new().run(&mut world.command(&["log", "fails"]));
    assert_eq!(shown, "evilend\r\n");
}
