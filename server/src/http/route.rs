//! The shape of a route: what it is called, who may call it, what it takes and gives. The router and the description of the
//! server (`/openapi.json`) are made of the same entries, so neither has what the other lacks.

use std::{borrow::Cow, future::Future, pin::Pin, sync::Arc};

use axum::http::{Method, StatusCode};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::{Answer, App, Call};

type Handler = Arc<dyn Fn(App, Call) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync>;
/// Writes the schema of one type.
pub type Describe = Arc<dyn Fn(&mut SchemaGenerator) -> Schema + Send + Sync>;
/// Text that stands in the program, or was made of the table of operations.
type Text = Cow<'static, str>;

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Open,
    /// A client that names itself in the body, or presents a credential.
    Client,
    /// Whoever presents a credential, in the one project that it reaches, or selects by a header.
    Tenant,
    /// Whoever presents a credential; what it is about stands in the path, and what it may do is decided behind the door.
    Caller,
}

/// How errors read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errors {
    /// Problem details.
    Problem,
    /// OAuth's form.
    OAuth,
}

/// What a body is for the description.
#[derive(Clone)]
pub struct Takes {
    /// Its type.
    pub schema: Describe,
    /// Whether it may be left out.
    pub optional: bool,
    /// Whether a form is taken as well as JSON.
    pub form: bool,
}

/// One way to answer.
#[derive(Clone)]
pub struct Gives {
    /// The status.
    pub status: StatusCode,
    /// The media type; none for an empty answer.
    pub media: Option<&'static str>,
    /// The type, where there is one.
    pub schema: Option<Describe>,
    /// One sentence.
    pub what: &'static str,
}

/// A parameter of the query.
#[derive(Clone)]
pub struct Query {
    /// Its name.
    pub name: Text,
    /// What it means.
    pub what: Text,
    /// `string` or `integer`.
    pub kind: &'static str,
}

/// One route.
#[derive(Clone)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with `{names}`.
    pub path: Text,
    /// Its name in the description, metrics and log.
    pub name: Text,
    /// What it does, in one sentence or more.
    pub summary: Text,
    /// Who may call it.
    pub access: Access,
    /// How errors read.
    pub errors: Errors,
    /// What is in the query.
    pub query: Vec<Query>,
    /// The body, if it takes one.
    pub takes: Option<Takes>,
    /// What it answers when all is well.
    pub gives: Vec<Gives>,
    /// The largest body, in bytes.
    pub largest: usize,
    /// Whether it stays open.
    pub stream: bool,
    /// Whether it takes an idempotency key.
    pub once: bool,
    /// What answers.
    pub handler: Handler,
}

/// Bodies of routes that take a few fields: small enough to be read anywhere.
const SMALL: usize = tenantry::api::EVENT_LOOP_BYTES;

impl Route {
    /// A route for tenants that answers problems.
    pub fn new<F, Fut>(
        method: Method,
        path: impl Into<Text>,
        name: impl Into<Text>,
        summary: impl Into<Text>,
        handler: F,
    ) -> Self
    where
        F: Fn(App, Call) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        Self {
            method,
            path: path.into(),
            name: name.into(),
            summary: summary.into(),
            access: Access::Tenant,
            errors: Errors::Problem,
            query: Vec::new(),
            takes: None,
            gives: Vec::new(),
            largest: SMALL,
            stream: false,
            once: false,
            handler: Arc::new(move |app, call| Box::pin(handler(app, call))),
        }
    }

    /// The same under another path.
    #[must_use]
    pub fn also(&self, path: &'static str, name: &'static str) -> Self {
        Self { path: path.into(), name: name.into(), ..self.clone() }
    }

    /// Who may call it, where that is not a tenant.
    #[must_use]
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Answers errors as OAuth's clients read them.
    #[must_use]
    pub fn oauth(mut self) -> Self {
        self.errors = Errors::OAuth;
        self
    }

    /// Takes JSON of this type.
    #[must_use]
    pub fn takes<T: JsonSchema + 'static>(self) -> Self {
        self.takes_as(Arc::new(describe::<T>), false)
    }

    /// Takes JSON of this type, or nothing.
    #[must_use]
    pub fn may_take<T: JsonSchema + 'static>(self) -> Self {
        self.takes_as(Arc::new(describe::<T>), true)
    }

    /// Takes JSON that is described so, or nothing where that is `optional`.
    #[must_use]
    pub fn takes_as(mut self, schema: Describe, optional: bool) -> Self {
        self.takes = Some(Takes { schema, optional, form: false });
        self
    }

    /// Takes the same as a form, too.
    #[must_use]
    pub fn or_form(mut self) -> Self {
        self.takes = self.takes.map(|takes| Takes { form: true, ..takes });
        self
    }

    /// Takes bodies up to this many bytes.
    #[must_use]
    pub fn up_to(mut self, bytes: usize) -> Self {
        self.largest = bytes;
        self
    }

    /// Reads a parameter of the query.
    #[must_use]
    pub fn query(mut self, name: &'static str, kind: &'static str, what: &'static str) -> Self {
        self.query.push(Query { name: name.into(), what: what.into(), kind });
        self
    }

    /// Answers JSON of this type.
    #[must_use]
    pub fn gives<T: JsonSchema + 'static>(self, status: StatusCode, what: &'static str) -> Self {
        self.gives_as(status, Arc::new(describe::<T>), what)
    }

    /// Answers JSON that is described so.
    #[must_use]
    pub fn gives_as(mut self, status: StatusCode, schema: Describe, what: &'static str) -> Self {
        self.gives.push(Gives { status, media: Some("application/json"), schema: Some(schema), what });
        self
    }

    /// Answers text of another kind, or nothing.
    #[must_use]
    pub fn gives_text(mut self, status: StatusCode, media: Option<&'static str>, what: &'static str) -> Self {
        self.gives.push(Gives { status, media, schema: None, what });
        self
    }

    /// Takes an idempotency key.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// Stays open and sends events.
    #[must_use]
    pub fn streams(mut self) -> Self {
        self.stream = true;
        self
    }
}

fn describe<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}
