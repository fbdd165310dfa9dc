//! Logs as programs write them, and what of them is the cause.

use super::*;
use crate::crash::CrashScanner;

/// Why a process ended that has written this.
fn said(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut scanner = CrashScanner::default();
    lines.iter().for_each(|line| scanner.push(line));
    scanner.end();
    let end = EndOfLog { lines: &lines, count: scanner.lines(), crashes: scanner.crashes() };
    end.complaints().join("\n")
}

#[test]
fn what_python_raised_is_the_cause() {
    let log = "\
starting
Traceback (most recent call last):
  File \"manage.py\", line 3, in <module>
    main()
FileNotFoundError: [Errno 2] No such file or directory: '/srv/app/web/x.png'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File \"a.py\", line 1, in <module>
    raise Error(\"failed to start\")
ImproperlyConfigured: no icon
an error: later
";
    insta::assert_snapshot!(said(log), @"
    FileNotFoundError: [Errno 2] No such file or directory: '/srv/app/web/x.png'
    ImproperlyConfigured: no icon
    ");
}

#[test]
fn a_migration_that_fails_names_what_the_database_said_first() {
    let log = "\
{\"event\": \"Applying migration\", \"level\": \"info\", \"migration\": \"0002_more\"}
  Applying app.0002_more...Traceback (most recent call last):
  File \"/srv/app/venv/lib/python3.14/site-packages/django/db/backends/utils.py\", line 105, in _execute
    return self.cursor.execute(sql, params)
           ~~~~~~~~~~~~~~~~~~~^^^^^^^^^^^^^
psycopg.errors.UndefinedTable: relation \"app_role\" does not exist
LINE 1: ALTER TABLE \"app_role\" ADD COLUMN \"name\" text NOT NULL
                    ^
HINT:  it could not be found

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File \"/srv/app/manage.py\", line 33, in <module>
    main()
django.db.utils.ProgrammingError: relation \"app_role\" does not exist
LINE 1: ALTER TABLE \"app_role\" ADD COLUMN \"name\" text NOT NULL
                    ^

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File \"/srv/app/lifecycle/migrate.py\", line 98, in <module>
    run_migrations()
SystemExit: migrations failed
";
    insta::assert_snapshot!(said(log), @r#"
    psycopg.errors.UndefinedTable: relation "app_role" does not exist
    SystemExit: migrations failed
    "#);
}

#[test]
fn an_exception_in_a_line_of_json_is_read() {
    let text = r#"{"event":"boot","level":"error","exception":"Traceback (most recent call last):\n  File \"x\"\nKeyError: 'a'"}"#;
    insta::assert_snapshot!(said(text), @"KeyError: 'a'");
    // What was logged as a warning, or as less, was dealt with.
    assert_eq!(said(&text.replace("error", "info")), "");
    let frames =
        r#""frames": [{"filename": "/srv/app/x.py", "lineno": 3, "name": "open", "locals": {"error": "'no'"}}]"#;
    let nested = format!(
        r#"{{"event":"Failed to read certificates","level":"error","logger":"app","exception":[{{"exc_type":"FileNotFoundError","exc_value":"[Errno 2] No such file or directory: '/certs'",{frames}}}]}}"#
    );
    insta::assert_snapshot!(said(&nested), @"FileNotFoundError: [Errno 2] No such file or directory: '/certs'");
    let chained = r#"{"event":"Task failed","level":"error","exception":[
        {"exc_type":"ImproperlyConfigured","exc_value":"no certificates\nat all","is_cause":false,"frames":[]},
        {"exc_type":"ValueError","exc_value":"nothing to read","is_cause":true,"frames":[]},
        {"exc_type":"FileNotFoundError","exc_value":"'/certs'","is_cause":true,"frames":[]}]}"#;
    insta::assert_snapshot!(said(&chained.replace('\n', " ").replace("certificates at", "certificates\\nat")), @"
    FileNotFoundError: '/certs'
    ImproperlyConfigured: no certificates
    ");
}

#[test]
fn exceptions_of_a_group_are_read() {
    let log = "\
  + Exception Group Traceback (most recent call last):
  |   File \"/srv/app/x.py\", line 1, in <module>
  |     raise ExceptionGroup(\"unhandled errors in a TaskGroup\", all)
  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File \"/srv/app/y.py\", line 2, in start
    | ConnectionRefusedError: [Errno 111] Connect call failed ('127.0.0.1', 6379)
    +------------------------------------
";
    insta::assert_snapshot!(said(log), @"
    ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)
    ConnectionRefusedError: [Errno 111] Connect call failed ('127.0.0.1', 6379)
    ");
    let group = r#"{"event":"boot","level":"critical","exception":[{"exc_type":"ExceptionGroup","exc_value":"two","is_group":true,
        "exceptions":[{"stacks":[{"exc_type":"KeyError","exc_value":"'a'"}]},[{"exc_type":"OSError","exc_value":"full"}]]}]}"#;
    insta::assert_snapshot!(said(&group.replace('\n', " ")), @"
    KeyError: 'a'
    OSError: full
    ExceptionGroup: two
    ");
}

#[test]
fn a_program_that_is_not_there() {
    insta::assert_snapshot!(said("ready\n/entrypoint: line 3: exec: gunicorn: not found\n"), @"/entrypoint: line 3: exec: gunicorn: not found");
    insta::assert_snapshot!(said("[dumb-init] gunicorn: No such file or directory\n"), @"[dumb-init] gunicorn: No such file or directory");
    insta::assert_snapshot!(said("lifecycle/ak: line 20: gunicorn: command not found\n"), @"lifecycle/ak: line 20: gunicorn: command not found");
    // It ends the script, whatever was raised before and got over.
    let log = "\
Traceback (most recent call last):
  File \"wait.py\", line 3, in <module>
OperationalError: connection refused
database is there
/entrypoint: line 9: exec: gunicorn: not found
";
    insta::assert_snapshot!(said(log), @"/entrypoint: line 9: exec: gunicorn: not found");
    let log = "\
Traceback (most recent call last):
  File \"/usr/lib/python3.14/runpy.py\", line 198, in _run_module_as_main
ModuleNotFoundError: No module named 'gunicorn'
[2026-11-03 10:00:00 +0000] [1] [ERROR] Reason: Worker failed to boot.
";
    insta::assert_snapshot!(said(log), @"ModuleNotFoundError: No module named 'gunicorn'");
}

#[test]
fn a_panic_of_go() {
    let log = "\
{\"event\":\"Loaded config\",\"level\":\"debug\",\"path\":\"inbuilt-default\"}
{\"error\":\"dial: no such file\",\"event\":\"failed to reach core\",\"level\":\"warning\",\"logger\":\"router\"}
panic: open /etc/app/config.yml: no such file or directory

goroutine 1 [running]:
main.main()
\t/srv/app/cmd/server/main.go:37 +0x1d
exit status 2
";
    insta::assert_snapshot!(said(log), @"panic: open /etc/app/config.yml: no such file or directory");
    insta::assert_snapshot!(said("fatal error: all goroutines are asleep - deadlock!\n"), @"fatal error: all goroutines are asleep - deadlock!");
    let logrus = "time=\"2026-11-03T10:00:00Z\" level=warning msg=\"cannot find x\"\n\
        time=\"2026-11-03T10:00:01Z\" level=fatal msg=\"listen tcp :9000: bind: address already in use\"\n";
    insta::assert_snapshot!(said(logrus), @r#"time="2026-11-03T10:00:01Z" level=fatal msg="listen tcp :9000: bind: address already in use""#);
    insta::assert_snapshot!(said("{\"level\":60,\"msg\":\"stopped\",\"err\":\"EADDRINUSE\"}\n"), @"error: stopped: EADDRINUSE");
}

#[test]
fn warnings_are_not_the_cause_of_what_an_error_tells() {
    let log = "\
/srv/app/venv/lib/python3.14/site-packages/x.py:3: DeprecationWarning: pkg_resources does not exist in the future
[2026-11-03 10:00:00 +0000] [7] [WARNING] cannot tune the scheduler: permission denied
{\"event\":\"geoip database not found\",\"level\":\"warning\",\"exception\":[{\"exc_type\":\"FileNotFoundError\",\"exc_value\":\"'/geoip'\"}]}
[2026-11-03 10:00:01 +0000: WARNING/MainProcess] failed to measure
INFO:     127.0.0.1:1 - \"GET /favicon.ico HTTP/1.1\" 404 Not Found
mkdir: cannot create directory '/media': Read-only file system
";
    insta::assert_snapshot!(said(log), @"mkdir: cannot create directory '/media': Read-only file system");
    // Where there is nothing else, they are no cause either.
    assert_eq!(said(&log.lines().take(2).collect::<Vec<_>>().join("\n")), "");
    // In running text, words are not levels.
    let log = "cannot read info, log or warning of /x\n(WARNING) cannot tune\n";
    insta::assert_snapshot!(said(log), @"cannot read info, log or warning of /x");
}

#[test]
fn other_complaints_count_where_nothing_was_raised() {
    let log = "\
ready
{\"event\": \"cannot open socket\", \"level\": \"error\", \"error\": \"bind: address in use\"}
tmp: Permission denied
all is well
tmp: Permission denied
FATAL:  password authentication failed for user \"app\"
";
    insta::assert_snapshot!(said(log), @r#"
    error: cannot open socket: bind: address in use
    tmp: Permission denied
    FATAL:  password authentication failed for user "app"
    "#);
    insta::assert_snapshot!(said("ready\nall is well\n"), @"");
}

#[test]
fn a_word_for_an_error_is_no_cause() {
    for line in [
        "compiled with 0 errors: 0 warnings",
        "error_log=/dev/stderr, access log off",
        "last error: none",
        "{\"level\":\"info\",\"msg\":\"failed to find an update: error: no such file\"}",
        "{\"levelname\":\"INFO\",\"message\":\"error: x\"}",
        "time=\"2026-11-03\" level=info msg=\"error: could not find x, using y\"",
        "I1103 10:00:00.000001 1 main.go:3] error: retrying",
        "\u{1b}[32mINFO\u{1b}[0m cannot find a plugin, going on",
        "[2026-11-03 10:00:00] \u{1b}[33m[WARNING]\u{1b}[0m permission denied",
        "127.0.0.1 - - \"GET /favicon.ico HTTP/1.1\" 404 Not Found",
        "a non-fatal problem",
        "    raise ValueError(\"error: x\")",
    ] {
        assert_eq!(said(line), "", "{line}");
    }
    insta::assert_snapshot!(said("\u{1b}[31mERROR\u{1b}[0m: bind: address already in use\n"), @"ERROR: bind: address already in use");
    insta::assert_snapshot!(said("E1103 10:00:00.000001 1 main.go:3] no certificate\n"), @"E1103 10:00:00.000001 1 main.go:3] no certificate");
}

#[test]
fn what_much_else_came_after_is_no_cause() {
    let later: String = (0..NEAR).map(|i| format!("request {i}\n")).collect();
    assert_eq!(said(&format!("error: cannot find a plugin\n{later}")), "");
    let raised = "Traceback (most recent call last):\n  File \"x\"\nKeyError: 1\n";
    assert_eq!(said(&format!("{raised}{later}")), "KeyError: 1");
    let later: String = (0..AFTER).map(|i| format!("request {i}\n")).collect();
    let log = format!("{raised}{later}error: bind: address already in use\n");
    assert_eq!(said(&log), "error: bind: address already in use");
}

#[test]
fn the_last_is_told_of_many() {
    let raised = |i: u32| format!("Traceback (most recent call last):\n  File \"x\"\nKeyError: {i}\n");
    insta::assert_snapshot!(said(&(0..9).map(raised).collect::<String>()), @"KeyError: 8");
    insta::assert_snapshot!(said(&(0..9).map(|i| format!("error: no {i}\n")).collect::<String>()), @"
    error: no 5
    error: no 6
    error: no 7
    error: no 8
    ");
    assert_eq!(cut(&"é".repeat(301)), format!("{}...", "é".repeat(300)));
}

#[test]
fn hostile_lines_are_no_trouble() {
    for line in
        ["{", "{}", "{\"exception\":[[[]]]}", "{\"exception\":[{\"exc_type\":1}]}", "{\"level\":-1}", "| ", "level="]
    {
        assert_eq!(said(line), "", "{line}");
    }
    assert_eq!(said("Traceback (most recent call last):"), "Traceback (most recent call last):");
    said(&format!("{{\"exception\":{}{}}}", "[".repeat(100), "]".repeat(100)));
}

#[test]
fn paths_are_found_in_words() {
    let line = "open('/srv/a.txt'): /etc/hosts: no, `/opt/x/y`. http://h/z";
    assert_eq!(paths(line).collect::<Vec<_>>(), ["/srv/a.txt", "/etc/hosts", "/opt/x/y"]);
}
