//! The way of one operation: authorize, handle, write down. No handler can forget any of it.

use std::{future::Future, sync::Arc};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::Facts;
use crate::{
    access::{self, Caller, Demand, Needs, Place},
    api::{LayerOf, from_value},
    clock::BoxFuture,
    error::{Error, Result},
    rooms::{Rooms, Turn},
    scope::{Layer, Scope},
    tenant::Instance,
};

/// What an operation takes that takes nothing.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

impl LayerOf for Nothing {}

/// One operation.
pub trait Operation: 'static {
    /// What it takes.
    type Input: LayerOf + DeserializeOwned + Send + 'static;
    /// What it gives.
    type Output: Serialize + Send + 'static;
    /// Its name, e.g. `keys.create`.
    const NAME: &'static str;
    /// How it is reached and what it needs.
    const FACTS: Facts;

    /// Does it, for whoever may.
    fn handle(
        rooms: &Arc<Rooms>,
        at: &Authorized,
        input: Self::Input,
    ) -> impl Future<Output = Result<Done<Self::Output>>> + Send;
}

/// What an operation is about.
#[derive(Clone)]
pub enum Target {
    /// Wherever the caller reaches.
    Reach,
    /// A project that was looked up.
    Tenant(Arc<Instance>),
    /// An account, or a project of it, by name; it need not exist.
    Named {
        /// The account.
        account: String,
        /// The project; empty for the account itself.
        project: String,
    },
}

/// Who may do what was asked, and where.
pub struct Authorized {
    /// Who.
    pub caller: Caller,
    target: Target,
}

impl Authorized {
    /// Refuses a caller that lacks one more permission, which this input asks for.
    ///
    /// # Errors
    /// Those of [`access::authorize`].
    pub async fn require(&self, rooms: &Rooms, permission: &'static str) -> Result<()> {
        let place = match &self.target {
            Target::Tenant(instance) => Place::Tenant(instance, Layer::Project),
            Target::Reach | Target::Named { .. } => Place::Reach,
        };
        let needs = Needs::Permission(permission);
        access::authorize(rooms, &self.caller, Demand { needs, place, crosses: &[], refuses_suspended: true }).await
    }

    /// The project it is done in, where it is one.
    pub fn scope(&self) -> Option<&Scope> {
        match &self.target {
            Target::Tenant(instance) => Some(instance.scope()),
            Target::Reach | Target::Named { .. } => None,
        }
    }

    /// The project it is done in.
    ///
    /// # Errors
    /// `target_missing` where no project was named.
    pub fn instance(&self) -> Result<&Instance> {
        match &self.target {
            Target::Tenant(instance) => Ok(instance),
            Target::Reach | Target::Named { .. } => {
                Err(Error::invalid("target_missing", "this is done in a project, and none is named"))
            }
        }
    }

    /// The account that was named.
    pub fn account(&self) -> &str {
        match &self.target {
            Target::Named { account, .. } => account,
            Target::Reach | Target::Tenant(_) => "",
        }
    }

    /// The project that was named.
    pub fn project(&self) -> &str {
        match &self.target {
            Target::Named { project, .. } => project,
            Target::Reach | Target::Tenant(_) => "",
        }
    }
}

/// What was done, and what is written down of it.
pub struct Done<T> {
    value: T,
    rows: Vec<(Scope, Value)>,
    /// Kept until the rows are written: changes of a scope stand in its chain in their order.
    turn: Option<Turn>,
}

impl<T> From<T> for Done<T> {
    fn from(value: T) -> Self {
        Self { value, rows: Vec::new(), turn: None }
    }
}

impl<T> Done<T> {
    /// Leaves a row in the chain of `scope`. Whose change it was is added.
    #[must_use]
    pub fn row(mut self, scope: &Scope, body: Value) -> Self {
        self.rows.push((scope.clone(), body));
        self
    }

    /// Keeps others from changing the same until the rows are written.
    #[must_use]
    pub fn keeping(mut self, turn: Turn) -> Self {
        self.turn = Some(turn);
        self
    }
}

/// Does an operation as `caller`, where `target` says.
///
/// # Errors
/// Those of [`access::authorize`] and of the operation itself; `audit_unavailable` where it is done and could not be written down.
pub async fn call<O: Operation>(
    rooms: &Arc<Rooms>,
    caller: Caller,
    target: Target,
    input: O::Input,
) -> Result<O::Output> {
    let at = authorized(rooms, &O::FACTS, caller, target, input.layer()).await?;
    let Done { value, rows, turn } = O::handle(rooms, &at, input).await?;
    write(rooms, &O::FACTS, &at.caller, rows).await?;
    drop(turn);
    Ok(value)
}

/// As [`call`], with JSON on both sides.
pub fn erased<O: Operation>(
    rooms: Arc<Rooms>,
    caller: Caller,
    target: Target,
    mut input: Value,
) -> BoxFuture<'static, Result<Value>> {
    Box::pin(async move {
        // Null is absent.
        if let Value::Object(fields) = &mut input {
            fields.retain(|_, value| !value.is_null());
        }
        let output = call::<O>(&rooms, caller, target, from_value(input)?).await?;
        serde_json::to_value(output).map_err(|_| Error::internal("an answer could not be written"))
    })
}

async fn authorized(rooms: &Rooms, facts: &Facts, caller: Caller, target: Target, layer: Layer) -> Result<Authorized> {
    let place = match &target {
        Target::Tenant(_) if facts.is_for_platform() => {
            // What a tenant's own handle asks for, it asks for itself, also where its caller could do more.
            if caller.authenticated.is_some() {
                return Err(crate::scope::outside());
            }
            Place::Platform
        }
        Target::Tenant(instance) => Place::Tenant(instance, layer),
        _ if facts.is_for_platform() => Place::Platform,
        Target::Reach | Target::Named { .. } => Place::Reach,
    };
    let crosses = facts.crosses.as_slice();
    let demand = Demand { needs: facts.needs, place, crosses, refuses_suspended: facts.needs != Needs::Open };
    access::authorize(rooms, &caller, demand).await?;
    Ok(Authorized { caller, target })
}

async fn write(rooms: &Rooms, facts: &Facts, caller: &Caller, rows: Vec<(Scope, Value)>) -> Result<()> {
    let Some(kind) = facts.audits else { return Ok(()) };
    for (scope, mut body) in rows {
        if let Value::Object(fields) = &mut body {
            fields.entry("by").or_insert_with(|| json!(caller.name()));
        }
        rooms.audit_event(&scope, kind, body).await?;
    }
    Ok(())
}
