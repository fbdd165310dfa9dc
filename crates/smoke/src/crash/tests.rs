//! Crashes as programs write them, and logs that only look like it.

use super::*;

fn scanned(text: &str, allowed: &[&str]) -> CrashScanner {
    let mut scanner = CrashScanner::new(allowed.iter().map(|text| (*text).to_owned()).collect());
    text.lines().for_each(|line| scanner.push(line));
    scanner.end();
    scanner
}

/// Each crash of a log: its kind, its lines, and what was raised.
fn found(text: &str) -> String {
    let said = |crash: &LoggedCrash| {
        let (kind, line, last) = (crash.kind, crash.line, crash.last);
        format!("{kind:?} {line}-{last}: {}", crash.causes().join(" -> "))
    };
    scanned(text, &[]).crashes().iter().map(said).collect::<Vec<_>>().join("\n")
}

const TRACEBACK: &str = "\
ready
Traceback (most recent call last):
  File \"/srv/app/tasks.py\", line 3, in run
    x = known[name]
KeyError: 'name'
going on
";

#[test]
fn a_traceback_is_found_with_its_lines() {
    let scanner = scanned(TRACEBACK, &[]);
    let [crash] = scanner.crashes() else { panic!("{scanner:?}") };
    assert_eq!((crash.line, crash.last, crash.is_allowed), (2, 5, false));
    insta::assert_snapshot!(crash.excerpt.join("\n"), @r#"
    Traceback (most recent call last):
      File "/srv/app/tasks.py", line 3, in run
        x = known[name]
    KeyError: 'name'
    "#);
}

#[test]
fn exceptions_that_led_to_one_another_are_one_crash() {
    let chained = TRACEBACK.replace("going on\n", "\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"y\"\nsocket.timeout\n");
    insta::assert_snapshot!(found(&chained), @"Python 2-11: KeyError: 'name' -> socket.timeout");
    insta::assert_snapshot!(found(&TRACEBACK.repeat(2)), @"
    Python 2-5: KeyError: 'name'
    Python 8-11: KeyError: 'name'
    ");
}

#[test]
fn lines_of_others_may_come_between() {
    let mixed = "\
[worker-1] Traceback (most recent call last):
[worker-2] all is well
[worker-1]   File \"x\", line 1
INFO: 127.0.0.1 \"GET / HTTP/1.1\" 200
2026-11-03 10:00:00 heartbeat
[worker-1] app.errors.TaskFailed: no queue
[worker-2] Stopped: no more work
";
    insta::assert_snapshot!(found(mixed), @"Python 1-6: app.errors.TaskFailed: no queue");
}

#[test]
fn colours_hide_nothing() {
    let coloured = TRACEBACK.lines().map(|line| format!("\x1b[31m{line}\x1b[0m\n")).collect::<String>();
    insta::assert_snapshot!(found(&coloured), @"Python 2-5: KeyError: 'name'");
}

#[test]
fn a_traceback_that_is_cut_off_is_found_at_the_end() {
    insta::assert_snapshot!(found("Traceback (most recent call last):\n  File \"x\"\n"), @r#"Python 1-2: File "x""#);
}

#[test]
fn panics_of_go_are_found() {
    let log = "\
listening
panic: runtime error: index out of range [3] with length 2

goroutine 1 [running]:
main.main()
\t/srv/app/main.go:7 +0x1d
exit status 2
";
    insta::assert_snapshot!(found(log), @"Go 2-7: panic: runtime error: index out of range [3] with length 2");
    insta::assert_snapshot!(found("fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [chan receive]:\nmain.main()\n"), @"Go 1-4: fatal error: all goroutines are asleep - deadlock!");
    let served = "2026/11/03 10:00:00 http: panic serving 127.0.0.1:5: nil map\ngoroutine 9 [running]:\nnet/http.(*conn).serve.func1()\n2026/11/03 10:00:01 going on\n";
    insta::assert_snapshot!(found(served), @"Go 1-3: 2026/11/03 10:00:00 http: panic serving 127.0.0.1:5: nil map");
    // Written by a process that is killed before the rest comes, and by one that only uses the word.
    insta::assert_snapshot!(found("panic: no more\n"), @"Go 1-1: panic: no more");
    assert_eq!(found("fatal error: none so far\nready\n"), "");
}

#[test]
fn panics_of_rust_are_found() {
    let log = "thread 'main' panicked at src/main.rs:4:5:\nno port was given\nnote: run with `RUST_BACKTRACE=1`\n";
    insta::assert_snapshot!(found(log), @"Rust 1-2: thread 'main' panicked at src/main.rs:4:5: no port was given");
    insta::assert_snapshot!(found("thread '<unnamed>' panicked at 'no port', src/main.rs:4:5\n"), @"Rust 1-1: thread '<unnamed>' panicked at 'no port', src/main.rs:4:5");
}

#[test]
fn exceptions_of_java_are_found_with_what_caused_them() {
    let log = "\
10:00:00.000 [main] ERROR c.x.Main - cannot start
Exception in thread \"main\" java.lang.IllegalStateException: no port
\tat com.example.Main.start(Main.java:12)
\tat java.base/java.lang.Thread.run(Unknown Source)
Caused by: java.net.BindException: in use
\tat com.example.Net.bind(Net.kt:3)
\t... 2 more
going on
";
    insta::assert_snapshot!(found(log), @r#"Java 2-7: Exception in thread "main" java.lang.IllegalStateException: no port -> java.net.BindException: in use"#);
}

#[test]
fn errors_of_node_are_found() {
    let log = "\
node:internal/process/promises:394
      triggerUncaughtException(err, true /* fromPromise */);
      ^

Error: connect ECONNREFUSED 127.0.0.1:6379
    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1634:16)
    at async /srv/app/x.js:3:1
Node.js v24.1.0
";
    insta::assert_snapshot!(found(log), @"Node 5-7: Error: connect ECONNREFUSED 127.0.0.1:6379");
    insta::assert_snapshot!(found("[UnhandledPromiseRejection: This error originated either by throwing] {\n"), @"Node 1-1: [UnhandledPromiseRejection: This error originated either by throwing] {");
    insta::assert_snapshot!(found("(node:7) UnhandledPromiseRejectionWarning: Error: no\n    at x (/srv/x.js:1:2)\n"), @"Node 1-2: (node:7) UnhandledPromiseRejectionWarning: Error: no");
    assert_eq!(
        found(
            "Trace: here\n    at x (/srv/x.js:1:2)\n(node:7) [DEP0001] DeprecationWarning: old\n    at y (/srv/y.js:3:4)\n"
        ),
        ""
    );
}

#[test]
fn crashes_of_other_languages_are_found() {
    insta::assert_snapshot!(found("Unhandled exception. System.Exception: no port\n   at Program.Main() in /srv/x.cs:line 3\n"), @"DotNet 1-2: Unhandled exception. System.Exception: no port");
    insta::assert_snapshot!(found("/srv/x.rb:3:in 'start': no port (ArgumentError)\n\tfrom /srv/x.rb:9:in '<main>'\n"), @"Ruby 1-2: /srv/x.rb:3:in 'start': no port (ArgumentError)");
    insta::assert_snapshot!(found("PHP Fatal error:  Uncaught Exception: no in /srv/x.php:3\n"), @"Php 1-1: PHP Fatal error:  Uncaught Exception: no in /srv/x.php:3");
    insta::assert_snapshot!(found("!!! uWSGI process 12 got Segmentation Fault !!!\n"), @"Native 1-1: !!! uWSGI process 12 got Segmentation Fault !!!");
    insta::assert_snapshot!(found("x: x.c:3: main: Assertion `a == b' failed.\n"), @"Native 1-1: x: x.c:3: main: Assertion `a == b' failed.");
    insta::assert_snapshot!(found("x: error while loading shared libraries: libx.so.1: cannot open shared object file\n"), @"Native 1-1: x: error while loading shared libraries: libx.so.1: cannot open shared object file");
}

#[test]
fn lines_of_json_are_read_by_their_level() {
    let line = |level: &str| {
        format!(
            r#"{{"event":"task failed","level":"{level}","exception":"Traceback (most recent call last):\n  File \"x\"\nKeyError: 'a'"}}"#
        )
    };
    insta::assert_snapshot!(found(&line("error")), @"Python 1-1: KeyError: 'a'");
    assert_eq!(found(&line("warning")), "");
    insta::assert_snapshot!(found(r#"{"level":"panic","msg":"no key"}"#), @"Fatal 1-1: error: no key");
    insta::assert_snapshot!(found("time=\"10:00\" level=fatal msg=\"no key\"\n"), @r#"Fatal 1-1: time="10:00" level=fatal msg="no key""#);
    // A service writes it of a connection.
    assert_eq!(found("FATAL:  password authentication failed\n"), "");
}

#[test]
fn a_text_of_any_of_its_lines_allows_a_crash() {
    for text in ["KeyError: 'name'", "tasks.py", "ready", "known[name]"] {
        assert!(scanned(TRACEBACK, &[text]).crashes()[0].is_allowed, "{text}");
    }
    for text in ["going on", "KeyError: 'other'"] {
        assert!(!scanned(TRACEBACK, &[text]).crashes()[0].is_allowed, "{text}");
    }
    let java = "java.lang.X: no\n\tat a.B.c(B.java:1)\n\tat d.E.f(E.java:2)\n";
    assert!(scanned(java, &["d.E.f"]).crashes()[0].is_allowed);
    let twice = scanned(&format!("{TRACEBACK}{}", TRACEBACK.replace("'name'", "'other'")), &["KeyError: 'other'"]);
    assert_eq!(twice.crashes().iter().map(|crash| crash.is_allowed).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_program_may_end_as_it_was_told_to() {
    let log = "Traceback (most recent call last):\n  File \"x\"\nKeyboardInterrupt\n";
    assert_eq!(scanned(log, &[]).crashes().len(), 1);
    let mut scanner = CrashScanner::default();
    scanner.expect_end();
    log.lines().for_each(|line| scanner.push(line));
    assert_eq!(scanner.crashes().len(), 0);
    TRACEBACK.lines().for_each(|line| scanner.push(line));
    assert_eq!(scanner.crashes().len(), 1);
}

#[test]
fn what_python_has_dealt_with_is_none() {
    assert_eq!(
        found("Exception ignored in: <function x>\nTraceback (most recent call last):\n  File \"x\"\nOSError: gone\n"),
        ""
    );
}

#[test]
fn a_log_of_any_length_takes_little_room() {
    let scanner = scanned(&TRACEBACK.repeat(3 * MOST), &[]);
    assert_eq!((scanner.crashes().len(), scanner.crashes()[0].line), (MOST, 2));
    let endless = format!("Traceback (most recent call last):\n{}", "  x\n".repeat(10_000));
    assert_eq!(found(&endless), "");
    let dump = format!("panic: x\n\ngoroutine 1 [running]:\n{}", "\tmain.main()\n".repeat(1000));
    assert_eq!(scanned(&dump, &[]).crashes()[0].excerpt.len(), EXCERPT);
}
