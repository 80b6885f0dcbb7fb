//! The service manager of Windows. It starts the program, which must say so at once; it asks it to stop by a call; and
//! the event log beside it is where administrators look.

#[path = "windows/event_log.rs"]
mod event_log;
#[path = "windows/installation.rs"]
pub mod installation;

use std::ffi::OsString;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use tokio::sync::Notify;
use windows_service::service::{
    ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult, ServiceStatusHandle};
use windows_service::{define_windows_service, service_dispatcher};

use super::Word;
use crate::data_dir::Program;
use crate::exit::Exit;
use crate::fail::Failure;

/// What the service does, until it is asked to stop.
type Work = Box<dyn FnOnce() -> Result<Exit, Failure> + Send>;

/// The manager calls a bare function on a thread of its own: what it needs waits here.
static WORK: Mutex<Option<(Program, Work)>> = Mutex::new(None);
/// Whom to tell; nobody in a process that the manager did not start.
static MANAGER: OnceLock<ServiceStatusHandle> = OnceLock::new();
static STOP: Notify = Notify::const_new();
static ENDED: OnceLock<Exit> = OnceLock::new();

/// The manager gives up on a service that says nothing for so long while it starts or stops. A store that is looked at
/// whole after a power cut may take minutes on an old disk.
const PATIENCE: Duration = Duration::from_secs(600);

define_windows_service!(entry, service_main);

/// Does `work` as the service that Windows has started this process for, and gives back how it ended.
///
/// # Errors
/// Windows did not start this process as a service.
pub fn run_as_service(
    program: Program,
    work: impl FnOnce() -> Result<Exit, Failure> + Send + 'static,
) -> Result<Exit, Failure> {
    *WORK.lock().unwrap_or_else(PoisonError::into_inner) = Some((program, Box::new(work)));
    service_dispatcher::start(program.service(), entry).context("speak to the service manager of Windows")?;
    Ok(ENDED.get().copied().unwrap_or(Exit::Failed))
}

/// Ends when the service manager asks the service to stop; never, if it did not start this process.
pub async fn stop_asked() {
    STOP.notified().await;
}

fn service_main(_arguments: Vec<OsString>) {
    let Some((program, work)) = WORK.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
    let asked = |control| match control {
        ServiceControl::Stop | ServiceControl::Preshutdown => {
            STOP.notify_one();
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    };
    // Without a handle nobody can be told, not even that it failed: the manager notices that by itself.
    let Ok(handle) = service_control_handler::register(program.service(), asked) else { return };
    let _ = MANAGER.set(handle);
    event_log::open(program.service());
    tell_state(ServiceState::StartPending, Exit::Done);
    let exit = work().unwrap_or_else(|failure| {
        tracing::error!(ev = "service.failed", error = %failure, "the service failed");
        event_log::failed(&failure);
        failure.exit
    });
    event_log::stopped();
    let _ = ENDED.set(exit);
    tell_state(ServiceState::Stopped, exit);
}

pub(super) fn tell(word: Word) {
    match word {
        Word::Ready => {
            tell_state(ServiceState::Running, Exit::Done);
            event_log::started();
        }
        Word::Stopping => tell_state(ServiceState::StopPending, Exit::Done),
        // It asks for no such sign.
        Word::Alive => {}
    }
}

pub(super) fn watchdog() -> Option<Duration> {
    None
}

pub(super) fn logged(line: &Value) {
    event_log::logged(line);
}

fn tell_state(state: ServiceState, exit: Exit) {
    let Some(manager) = MANAGER.get() else { return };
    let moving = matches!(state, ServiceState::StartPending | ServiceState::StopPending);
    let status = ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state: state,
        // Preshutdown comes before the others are stopped, and with more time than shutdown.
        controls_accepted: match state {
            ServiceState::Stopped => ServiceControlAccept::empty(),
            _ => ServiceControlAccept::STOP | ServiceControlAccept::PRESHUTDOWN,
        },
        exit_code: match exit {
            Exit::Done => ServiceExitCode::NO_ERROR,
            failed => ServiceExitCode::ServiceSpecific(failed.code().into()),
        },
        checkpoint: 0,
        wait_hint: if moving { PATIENCE } else { Duration::ZERO },
        process_id: None,
    };
    if let Err(error) = manager.set_service_status(status) {
        tracing::warn!(ev = "manager.not_told", %error, "the service manager could not be told");
    }
}
