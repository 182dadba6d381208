//! The server's side of JSON-RPC 2.0: single calls and batches, positional and named parameters,
//! notifications, and the errors that clients expect.
//!
//! What is malformed is found out without building a tree of it: parameters stay text until the
//! method that asks for them reads them, and a batch is cut where it is too long.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;

use serde::de::{DeserializeOwned, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::{RawValue, to_raw_value};

/// How many calls a batch has at most.
pub(super) const MAX_BATCH: usize = 64;
/// Bytes of the answers to a batch after which the rest of it is not answered any more.
const MAX_BATCH_ANSWER: usize = 64 << 20;
/// More parameters than any method has.
const MAX_PARAMS: usize = 16;

/// What a server can be asked.
pub(super) trait Methods: Send + Sync + 'static {
    /// Calls a method. What it returns is JSON as it goes out.
    fn call(
        &self,
        method: &str,
        params: Params<'_>,
    ) -> impl Future<Output = Result<Box<RawValue>, CallError>> + Send;
}

/// Why a call did not come to a result. Errors of the methods themselves are results.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum CallError {
    /// Ours.
    Own { code: i64, message: Cow<'static, str> },
    /// Another server's, passed on.
    Theirs(Box<RawValue>),
}

impl CallError {
    fn parse() -> Self {
        Self::Own { code: -32_700, message: "Parse error".into() }
    }

    fn invalid_request(why: impl fmt::Display) -> Self {
        Self::Own { code: -32_600, message: format!("Invalid request: {why}").into() }
    }

    pub(super) fn internal(why: impl fmt::Display) -> Self {
        Self::Own { code: -32_603, message: format!("Internal error: {why}").into() }
    }

    pub(super) fn unknown_method() -> Self {
        Self::Own { code: -32_601, message: "Method not found".into() }
    }

    pub(super) fn invalid_params(why: impl fmt::Display) -> Self {
        Self::Own { code: -32_602, message: format!("Invalid params: {why}").into() }
    }

    fn too_much() -> Self {
        Self::Own { code: -32_000, message: "the answers to the batch are too long".into() }
    }
}

/// The parameters of a call, unread.
pub(super) enum Params<'a> {
    Positional(Vec<&'a RawValue>),
    Named(BTreeMap<Cow<'a, str>, &'a RawValue>),
}

impl<'a> Params<'a> {
    fn read(raw: Option<&'a RawValue>) -> Result<Self, CallError> {
        let Some(raw) = raw else { return Ok(Self::Positional(Vec::new())) };
        serde_json::from_str(raw.get()).map_err(CallError::invalid_request)
    }

    /// The parameters of these names, in this order. What is not there may be left out if it may
    /// be null.
    pub(super) fn take<const N: usize>(
        self,
        names: [&'static str; N],
    ) -> Result<[Param<'a>; N], CallError> {
        let mut params = names.map(|name| Param { name, raw: None });
        match self {
            Self::Positional(values) if values.len() > N => {
                let given = values.len();
                return Err(CallError::invalid_params(format!("{given} given, {N} expected")));
            }
            Self::Positional(values) => {
                for (param, value) in params.iter_mut().zip(values) {
                    param.raw = Some(value);
                }
            }
            Self::Named(values) => {
                for (name, value) in values {
                    let param = params.iter_mut().find(|param| param.name == name);
                    let unknown = || CallError::invalid_params(format!("unknown name {name:?}"));
                    param.ok_or_else(unknown)?.raw = Some(value);
                }
            }
        }
        Ok(params)
    }

    /// As they came, to be passed on.
    pub(super) fn into_raw(self) -> Result<Box<RawValue>, CallError> {
        let raw = match self {
            Self::Positional(values) => to_raw_value(&values),
            Self::Named(values) => to_raw_value(&values),
        };
        raw.map_err(CallError::invalid_params)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Params<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Params<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list or named parameters")
            }

            fn visit_unit<E>(self) -> Result<Params<'de>, E> {
                Ok(Params::Positional(Vec::new()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Params<'de>, A::Error> {
                Ok(Params::Positional(at_most(MAX_PARAMS, seq)?))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Params<'de>, A::Error> {
                let mut values = BTreeMap::new();
                while let Some((Text(name), value)) = map.next_entry()? {
                    values.insert(name, value);
                    if values.len() > MAX_PARAMS {
                        return Err(A::Error::custom(format!("more than {MAX_PARAMS} items")));
                    }
                }
                Ok(Params::Named(values))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

/// The items of a list that is not too long.
fn at_most<'de, A: SeqAccess<'de>>(
    most: usize,
    mut seq: A,
) -> Result<Vec<&'de RawValue>, A::Error> {
    let mut items = Vec::new();
    while let Some(item) = seq.next_element()? {
        items.push(item);
        if items.len() > most {
            return Err(A::Error::custom(format!("more than {most} items")));
        }
    }
    Ok(items)
}

/// Text that is copied only if it has to be.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// One parameter, unread.
pub(super) struct Param<'a> {
    name: &'static str,
    raw: Option<&'a RawValue>,
}

impl<'a> Param<'a> {
    /// Reads it.
    pub(super) fn get<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        serde_json::from_str(self.text()).map_err(|error| self.invalid(error))
    }

    /// Its JSON.
    pub(super) fn text(&self) -> &'a str {
        self.raw.map_or("null", RawValue::get)
    }

    pub(super) fn invalid(&self, why: impl fmt::Display) -> CallError {
        CallError::invalid_params(format!("{}: {why}", self.name))
    }
}

/// The calls of a batch, unread.
struct Batch<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Batch<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Batch<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Batch<'de>, A::Error> {
                at_most(MAX_BATCH, seq).map(Batch)
            }
        }
        deserializer.deserialize_seq(Read)
    }
}

/// A call as it comes.
#[derive(Deserialize)]
struct Request<'a> {
    /// Grin does not insist on it, but on its value.
    #[serde(borrow, default)]
    jsonrpc: Option<Cow<'a, str>>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    /// Null is an identifier, too; none at all makes a notification.
    #[serde(borrow, default, deserialize_with = "there")]
    id: Option<&'a RawValue>,
}

fn there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl<'a> Request<'a> {
    fn read(raw: &'a RawValue) -> Result<Self, CallError> {
        let request: Self = serde_json::from_str(raw.get()).map_err(CallError::invalid_request)?;
        if request.jsonrpc.as_ref().is_some_and(|version| version != "2.0") {
            return Err(CallError::invalid_request("the version is not 2.0"));
        }
        let is_id = |id: &RawValue| !id.get().starts_with(['{', '[', 't', 'f']);
        if !request.id.is_none_or(is_id) {
            return Err(CallError::invalid_request("the id is neither text nor a number"));
        }
        Ok(request)
    }
}

/// An answer as it goes.
#[derive(Serialize)]
struct Response<'a> {
    id: Option<&'a RawValue>,
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<CallError>,
}

/// Answers what came in the body of a request; `None` if there is nothing to answer, since all
/// were notifications. The calls of a batch are made one after the other.
pub(super) async fn answer(body: &[u8], methods: &impl Methods) -> Option<String> {
    let Ok(raw) = serde_json::from_slice::<&RawValue>(body) else {
        return Some(refusal(CallError::parse()));
    };
    if !raw.get().starts_with('[') {
        return answer_one(raw, methods).await;
    }
    match serde_json::from_str(raw.get()) {
        Ok(Batch(calls)) if calls.is_empty() => {
            Some(refusal(CallError::invalid_request("an empty batch")))
        }
        Ok(Batch(calls)) => answer_batch(&calls, methods).await,
        Err(error) => Some(refusal(CallError::invalid_request(error))),
    }
}

async fn answer_batch(calls: &[&RawValue], methods: &impl Methods) -> Option<String> {
    let mut answers = String::new();
    for call in calls {
        let answer = match answers.len() > MAX_BATCH_ANSWER {
            true => Request::read(call)
                .ok()
                .and_then(|request| Some(respond(Some(request.id?), Err(CallError::too_much())))),
            false => answer_one(call, methods).await,
        };
        let Some(answer) = answer else { continue };
        answers.push(if answers.is_empty() { '[' } else { ',' });
        answers += &answer;
    }
    answers.push(']');
    (answers.len() > 1).then_some(answers)
}

async fn answer_one(raw: &RawValue, methods: &impl Methods) -> Option<String> {
    let request = match Request::read(raw) {
        Ok(request) => request,
        Err(error) => return Some(refusal(error)),
    };
    let result = match Params::read(request.params) {
        Ok(params) => methods.call(&request.method, params).await,
        Err(error) => Err(error),
    };
    request.id.map(|id| respond(Some(id), result))
}

/// The answer to what cannot be told whose it is.
fn refusal(error: CallError) -> String {
    respond(None, Err(error))
}

fn respond(id: Option<&RawValue>, result: Result<Box<RawValue>, CallError>) -> String {
    let (result, error) = match result {
        Ok(result) => (Some(result), None),
        Err(error) => (None, Some(error)),
    };
    let response = Response { id, jsonrpc: "2.0", result, error };
    serde_json::to_string(&response).unwrap_or_else(|_| unreachable!("JSON and text"))
}
