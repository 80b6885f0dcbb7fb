//! stub
use std::path::PathBuf;
use std::time::Duration;
use kentongan_host::fail::Failure;
use serde_json::Value;
use crate::agent::Agent;
pub(crate) async fn file(_a: &Agent, _f: PathBuf, _m: Option<PathBuf>, _p: impl FnMut(Value) + Send + 'static) -> Result<Value, Failure> { Ok(Value::Null) }
pub(crate) async fn scan(_a: &Agent) -> Duration { Duration::from_secs(60) }
