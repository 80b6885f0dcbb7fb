//! A command and a service on one socket in a temporary folder.

use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::data_dir::{DataDir, Program};
use crate::exit::Exit;
use crate::fail::Failure;
use crate::ktg::Ktg;
use crate::lock::Lock;
use crate::output::{Lang, in_lang};
use crate::store_thread::StoreThread;

/// Counts, echoes or fails, as the request says.
async fn answer(request: Value, progress: Progress) -> Result<Value, Failure> {
    match request.get("do").and_then(Value::as_str) {
        Some("count") => {
            let to = request.get("to").and_then(Value::as_u64).unwrap_or(0);
            for n in 1..=to {
                if !progress.send(json!(n)).await {
                    break;
                }
            }
            Ok(json!({ "counted": to }))
        }
        Some("refuse") => {
            let store = StoreThread::spawn(()).expect("a thread");
            let refused = store.run_async(|()| Failure::usage("tidak boleh", "not allowed")).await;
            store.stop_async().await.expect("it ends");
            Err(refused.expect("it runs"))
        }
        Some("fail") => Err(Failure::of(Ktg::HubBusy).with_detail("lagi 10 menit")),
        _ => Ok(request),
    }
}

fn folder(name: &Path) -> (tempfile::TempDir, DataDir, Lock) {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let dir = DataDir::at(Program::Agent, temp.path().join(name));
    dir.create().expect("folders");
    let lock = Lock::take(&dir).expect("the lock");
    (temp, dir, lock)
}

/// Runs `command` on a thread of its own beside a serving task.
async fn served<T: Send + 'static>(
    dir: DataDir,
    lock: &Lock,
    command: impl FnOnce(DataDir) -> T + Send + 'static,
) -> T {
    let listener = Listener::bind(&dir, lock).expect("bind");
    let service = tokio::spawn(serve(listener, answer));
    let result = tokio::task::spawn_blocking(move || command(dir)).await.expect("the command ends");
    service.abort();
    result
}

fn connected(dir: &DataDir) -> Client {
    Client::connect(dir).expect("allowed").expect("a service runs")
}

#[tokio::test]
async fn a_command_gets_progress_in_order_and_one_answer_and_may_ask_again() {
    let (_temp, dir, lock) = folder(Path::new("kantor"));
    let (seen, counted, echo) = served(dir, &lock, |dir| {
        let (mut client, mut seen) = (connected(&dir), Vec::new());
        let counted = client.call(&json!({ "do": "count", "to": 1_000 }), |line| seen.push(line));
        let echo = client.call(&json!({ "text": "halo" }), |_| {});
        (seen, counted.expect("counted"), echo.expect("echoed"))
    })
    .await;
    assert_eq!(seen, (1..=1_000).map(|n| json!(n)).collect::<Vec<_>>());
    assert_eq!(counted, json!({ "counted": 1_000 }));
    assert_eq!(echo, json!({ "text": "halo" }));
}

#[tokio::test]
async fn a_failure_of_the_service_is_the_commands_failure() {
    let (_temp, dir, lock) = folder(Path::new("kantor"));
    let failure = served(dir, &lock, |dir| connected(&dir).call(&json!({ "do": "fail" }), |_| {})).await;
    let failure = failure.expect_err("it failed");
    assert_eq!(
        (failure.ktg, failure.exit, failure.message.as_str()),
        (Some(Ktg::HubBusy), Exit::Unreachable, "lagi 10 menit")
    );
}

#[tokio::test]
async fn a_service_words_what_goes_wrong_in_the_language_of_whoever_asks() {
    let (_temp, dir, lock) = folder(Path::new("kantor"));
    let refused = served(dir, &lock, |dir| {
        let ask = |lang| in_lang(lang, || connected(&dir).call(&json!({ "do": "refuse" }), |_| {}));
        [Lang::Id, Lang::En].map(|lang| ask(lang).expect_err("refused").message)
    });
    assert_eq!(refused.await, ["tidak boleh", "not allowed"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_with_a_very_long_name_has_a_socket_too() {
    let long = format!("{}/{}", "sangat-panjang-".repeat(8), "kantor-desa-".repeat(8));
    let (_temp, dir, lock) = folder(Path::new(&long));
    let echo = served(dir, &lock, |dir| connected(&dir).call(&json!([1]), |_| {})).await;
    assert_eq!(echo.expect("echoed"), json!([1]));
}

#[tokio::test]
async fn without_a_service_there_is_no_client_and_a_leftover_socket_is_replaced() {
    let (_temp, dir, lock) = folder(Path::new("kantor"));
    assert!(Client::connect(&dir).expect("allowed").is_none());

    #[cfg(unix)]
    {
        // A process that is killed leaves its socket behind.
        drop(std::os::unix::net::UnixListener::bind(dir.control_socket()).expect("bind"));
        assert!(dir.control_socket().exists());
        assert!(Client::connect(&dir).expect("allowed").is_none());
    }

    let echo = served(dir, &lock, |dir| connected(&dir).call(&json!(7), |_| {})).await;
    assert_eq!(echo.expect("echoed"), json!(7));
}

#[tokio::test]
async fn a_service_that_ends_in_the_middle_is_told_apart_from_a_refusal() {
    let (_temp, dir, lock) = folder(Path::new("kantor"));
    let listener = Listener::bind(&dir, &lock).expect("bind");
    let asked = std::sync::Arc::new(tokio::sync::Notify::new());
    let service = tokio::spawn(serve(listener, {
        let asked = asked.clone();
        move |_, _| {
            asked.notify_one();
            std::future::pending()
        }
    }));
    let command = tokio::task::spawn_blocking({
        let dir = dir.clone();
        move || connected(&dir).call(&json!({}), |_| {})
    });
    asked.notified().await;
    service.abort();
    let failure = command.await.expect("the command ends").expect_err("no answer");
    assert_eq!(failure.exit, Exit::Unknown);
    assert!(Client::connect(&dir).expect("allowed").is_none(), "the service is gone");
    #[cfg(unix)]
    assert!(!dir.control_socket().exists(), "the socket goes with its service");
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_not_json_or_too_long_is_refused_and_the_service_goes_on() {
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::UnixStream;
    let (_temp, dir, lock) = folder(Path::new("kantor"));
    let (refused, ended, echo) = served(dir, &lock, |dir| {
        let mut raw = UnixStream::connect(dir.control_socket()).expect("connect");
        raw.write_all(b"bukan json\n").expect("write");
        let mut reader = BufReader::new(raw.try_clone().expect("a second handle"));
        let mut refused = String::new();
        reader.read_line(&mut refused).expect("an answer");
        // The service closes the connection at its bound, so the rest cannot be written.
        let _ = raw.write_all(&vec![b' '; REQUEST_BYTES_MAX + 1]);
        let mut ended = String::new();
        let closed = matches!(reader.read_line(&mut ended), Ok(0) | Err(_));
        (refused, closed, connected(&dir).call(&json!(1), |_| {}))
    })
    .await;
    assert!(refused.starts_with("{\"err\":{") && refused.contains("\"exit\":2"), "{refused}");
    assert!(ended);
    assert_eq!(echo.expect("echoed"), json!(1));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_socket_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (_temp, dir, lock) = folder(Path::new("kantor"));
    let _listener = Listener::bind(&dir, &lock).expect("bind");
    let mode = std::fs::metadata(dir.control_socket()).expect("stat").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
}
