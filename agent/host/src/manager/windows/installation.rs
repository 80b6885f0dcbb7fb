//! What an installation on Windows is beside the program: a service with an account of its own, and a data folder for
//! that account and administrators alone.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use kentongan_windows::folder;
use kentongan_windows::security::Descriptor;
use windows_service::service::{
    Service, ServiceAccess, ServiceAction, ServiceActionType, ServiceErrorControl, ServiceFailureActions,
    ServiceFailureResetPeriod, ServiceInfo, ServiceStartType, ServiceState, ServiceType,
};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};

use super::event_log;
use crate::data_dir::{DataDir, Program};
use crate::fail::Failure;
use crate::output::{pick, process_lang};

/// `ERROR_SERVICE_DOES_NOT_EXIST`.
const NO_SUCH_SERVICE: i32 = 1060;
/// `ERROR_SERVICE_ALREADY_RUNNING`.
const RUNS_ALREADY: i32 = 1056;

/// After the first, second and every further failure in a row the service waits so long and begins anew.
const RESTART_AFTER: [Duration; 3] = [Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(300)];
/// A service that ran this long has recovered.
const RECOVERED_AFTER: Duration = Duration::from_secs(86_400);
/// How long a service may take to stop.
const STOP_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Creates the data folder if need be, and lets the system, administrators and the service's account alone into it.
/// Ordinary users may create folders where it lies: one that they made before us is taken from them.
///
/// # Errors
/// It cannot be done, for want of rights for example.
pub fn secure(dir: &DataDir) -> Result<(), Failure> {
    dir.create()?;
    let account = service_sid(dir.program().service());
    // The last entry, for whoever owns a file (S-1-3-4), takes from owners what they could do by being the owner.
    let allowed = format!("D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;{account})(A;OICI;RC;;;S-1-3-4)");
    let allowed = Descriptor::from_sddl(&allowed).map_err(anyhow::Error::new)?;
    folder::protect(dir.root(), &allowed).with_context(|| format!("protect the folder {}", dir.root().display()))?;
    Ok(())
}

/// Registers the service that runs `executable` with `arguments`, or brings its registration up to date. One that was asked to
/// stop has ended then, so that an installer that asked can start it anew.
///
/// # Errors
/// It cannot be done, for want of rights for example, or the service does not end in time.
pub fn register(program: Program, executable: PathBuf, arguments: Vec<OsString>) -> Result<(), Failure> {
    let info = ServiceInfo {
        name: program.service().into(),
        display_name: pick(process_lang(), "Kentongan – Agen Kantor", "Kentongan – Office Agent").into(),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        executable_path: executable,
        launch_arguments: arguments,
        dependencies: Vec::new(),
        account_name: Some(format!(r"NT SERVICE\{}", program.service()).into()),
        account_password: None,
    };
    let manager = manager(ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE)?;
    let service = match opened(&manager, program, ServiceAccess::ALL_ACCESS)? {
        Some(service) => {
            until_its_state(program, &service, |state| Ok(state != ServiceState::StopPending))?;
            service.change_config(&info).context("change the service")?;
            service
        }
        None => manager.create_service(&info, ServiceAccess::ALL_ACCESS).context("create the service")?,
    };
    let what = pick(
        process_lang(),
        "Menyimpan aduan dan survei kantor ini, dan membawanya ke pusat.",
        "Keeps this office's complaints and surveys safe, and carries them to the hub.",
    );
    service.set_description(what).context("describe the service")?;
    // What people need first after switching on is not this.
    comfort("delayed start", service.set_delayed_auto_start(true));
    comfort("restart after a failure", service.update_failure_actions(restarts()));
    // A service that ends with an error has failed too, not only one that crashes.
    comfort("restart after an error", service.set_failure_actions_on_non_crash_failures(true));
    Ok(())
}

/// Starts the service; one that runs already is no error.
///
/// # Errors
/// There is no service, or it cannot be started.
pub fn start(program: Program) -> Result<(), Failure> {
    let manager = manager(ServiceManagerAccess::CONNECT)?;
    let service = opened(&manager, program, ServiceAccess::START)?.ok_or_else(|| no_service(program))?;
    match service.start::<OsString>(&[]) {
        Err(error) if code_of(&error) == Some(RUNS_ALREADY) => Ok(()),
        other => Ok(other.context("start the service")?),
    }
}

/// Stops the service and waits until it has ended. `false` if there is none.
///
/// # Errors
/// It does not end in time, or may not be asked.
pub fn stop(program: Program) -> Result<bool, Failure> {
    let manager = manager(ServiceManagerAccess::CONNECT)?;
    let Some(service) = opened(&manager, program, ServiceAccess::STOP | ServiceAccess::QUERY_STATUS)? else {
        return Ok(false);
    };
    let mut asked = false;
    until_its_state(program, &service, |state| match state {
        ServiceState::Stopped => Ok(true),
        ServiceState::StopPending => Ok(false),
        _ if asked => Ok(false),
        _ => {
            asked = true;
            service.stop().context("stop the service")?;
            Ok(false)
        }
    })?;
    Ok(true)
}

/// Waits until a service is in a state that does.
fn until_its_state(
    program: Program,
    service: &Service,
    mut does: impl FnMut(ServiceState) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let until = Instant::now() + STOP_MAX;
    while !does(service.query_status().context("ask how the service is")?.current_state)? {
        if Instant::now() >= until {
            return Err(anyhow::anyhow!("the service {} does not end", program.service()).into());
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// Takes the registration away; `false` if there was none. A service that runs goes when it has ended.
///
/// # Errors
/// It may not be done.
pub fn unregister(program: Program) -> Result<bool, Failure> {
    let manager = manager(ServiceManagerAccess::CONNECT)?;
    let Some(service) = opened(&manager, program, ServiceAccess::DELETE)? else { return Ok(false) };
    service.delete().context("delete the service")?;
    Ok(true)
}

/// Writes a failure into the event log, for programs that an installer runs: nobody sees what they print.
pub fn note(program: Program, failure: &Failure) {
    event_log::open(program.service());
    event_log::failed(failure);
}

fn restarts() -> ServiceFailureActions {
    let restart = |delay| ServiceAction { action_type: ServiceActionType::Restart, delay };
    ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(RECOVERED_AFTER),
        reboot_msg: None,
        command: None,
        actions: Some(RESTART_AFTER.map(restart).to_vec()),
    }
}

/// The service works without it.
fn comfort(what: &str, done: windows_service::Result<()>) {
    if let Err(error) = done {
        tracing::warn!(ev = "service.not_set", what, %error, "the service manager does not take a setting");
    }
}

fn manager(access: ServiceManagerAccess) -> Result<ServiceManager, Failure> {
    Ok(ServiceManager::local_computer(None::<&str>, access).map_err(denied).context("open the service manager")?)
}

fn opened(manager: &ServiceManager, program: Program, access: ServiceAccess) -> Result<Option<Service>, Failure> {
    match manager.open_service(program.service(), access) {
        Ok(service) => Ok(Some(service)),
        Err(error) if code_of(&error) == Some(NO_SUCH_SERVICE) => Ok(None),
        Err(error) => Err(anyhow::Error::new(denied(error)).context("open the service").into()),
    }
}

/// The system's own error, so that missing rights are told as such.
fn denied(error: windows_service::Error) -> io::Error {
    match error {
        windows_service::Error::Winapi(error) => error,
        other => io::Error::other(other),
    }
}

fn code_of(error: &windows_service::Error) -> Option<i32> {
    match error {
        windows_service::Error::Winapi(error) => error.raw_os_error(),
        _ => None,
    }
}

fn no_service(program: Program) -> Failure {
    Failure::usage(
        format!("Layanan {} tidak terpasang.", program.service()),
        format!("The service {} is not installed.", program.service()),
    )
}

/// The identity that Windows gives to the account of a service: it comes of the name alone, so that folders can be made
/// ready before the service is there.
fn service_sid(name: &str) -> String {
    let name: Vec<u8> = name.to_uppercase().encode_utf16().flat_map(u16::to_le_bytes).collect();
    let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &name);
    let parts = digest.as_ref().chunks_exact(4).map(|part| {
        let part = part.try_into().expect("four bytes each");
        format!("-{}", u32::from_le_bytes(part))
    });
    format!("S-1-5-80{}", parts.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_of_a_service_is_the_one_that_windows_gives_it() {
        // As documented for a service that every Windows has.
        let installer = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";
        assert_eq!(service_sid("TrustedInstaller"), installer);
    }
}
