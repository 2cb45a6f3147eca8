//! The server's side of the protocol: which requests there are, and who serves them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CancelledNotificationParam,
    CompleteRequestMethod, CompleteRequestParams, CompleteResult, CustomRequest, CustomResult,
    ErrorCode, ErrorData, Implementation, JsonObject, ListPromptsRequestMethod, ListPromptsResult,
    ListResourceTemplatesRequestMethod, ListResourceTemplatesResult, ListResourcesRequestMethod,
    ListResourcesResult, ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig,
    ServerRequest, SetLevelRequestMethod, ToolsCapability,
};
use rmcp::service::{NotificationContext, Peer};
use rmcp::{RoleServer, ServerHandler};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::TOLD_BACK;
use super::apart::{WorkLimits, apart};
use super::approval::Manner;
use super::asking::{Asker, Round, Via};
use super::call::RunningCall;
use super::codex_state;
use super::context::{Context, is_stateless};
use super::drive::{Driven, Progress, Stop};
use super::explain::{self, ExplainParams};
use super::listener::LogListener;
use super::output::Output;
use super::result;
use super::rounds::{self, Parked, SuspendedCalls};
use super::secret_name::secret_name;
use super::session::{ServerSession, Who};
use super::shell::ExecParams;
use super::tools::tools;
use crate::request::argv;
use crate::sys::lock;

/// The version of the capabilities by which Codex tells its sandbox state.
const SANDBOX_STATE_VERSION: &str = "1.0.0";
const SANDBOX_STATE_UPDATE: &str = "codex/sandbox-state/update";

/// How long it may take to explain a command.
const EXPLAINING: WorkLimits = WorkLimits {
    processor: Duration::from_secs(5),
    all: Duration::from_secs(15),
};

/// Serves one client.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) session: Arc<ServerSession>,
    /// Those whose clients are to come back.
    pub(super) waiting: Arc<SuspendedCalls>,
}

impl Server {
    async fn shell(
        &self,
        arguments: Value,
        context: Context,
    ) -> Result<CallToolResponse, ErrorData> {
        let told = self.session.keys.of_arguments(&arguments);
        let params: ExecParams = match parse(arguments) {
            Ok(params) => params,
            Err(why) => return Ok(result::failure(&why).into()),
        };
        // Closed never, so that there is one in the end.
        let _room = self.session.room.acquire().await;
        let rules = self.session.rules(&LogListener::of(&context)).await;
        let sent = self.session.sent(&context.meta.0);
        let plan = match sent.and_then(|sent| params.plan(&self.session, rules, sent)) {
            Ok(plan) => plan,
            Err(why) => return Ok(result::failure(&why).into()),
        };
        let (sender, rounds) = mpsc::unbounded_channel();
        let asker = Asker {
            session: Arc::clone(&self.session),
            via: self.via(&context, sender),
            manner: Manner::of(context.client_info().as_ref().map(|client| &*client.name)),
            purpose: params.justification.clone(),
            reasons: Arc::default(),
        };
        let token = context.meta.get_progress_token();
        let progress = token.map(|token| Progress::new(context.peer.clone(), token));
        let output = Output::new(self.session.options.output_limit, &self.session.folder);
        let input = params.input().map_err(internal)?;
        let call = RunningCall::start(&self.session, plan, input, output, progress.is_some());
        let call = call.await.map_err(internal)?;
        let parked = Parked {
            request: context.id.clone(),
            arguments: told,
            driven: Driven {
                call,
                asker,
                progress,
                listener: LogListener::of(&context),
            },
            rounds,
            open: BTreeMap::new(),
            place: None,
        };
        self.go_on(parked, &context).await
    }

    /// Follows a call until it ends, or its client is to come back with an answer.
    async fn go_on(
        &self,
        mut parked: Parked,
        context: &Context,
    ) -> Result<CallToolResponse, ErrorData> {
        let unwanted = context.ct.cancelled();
        tokio::pin!(unwanted);
        let stop = loop {
            match parked
                .driven
                .follow(&mut parked.rounds, &mut unwanted)
                .await
            {
                Stop::Round(round) => match self.waiting.place() {
                    Some(place) => {
                        parked.place = Some(place);
                        break Stop::Round(round);
                    }
                    None => rounds::turn_away(round),
                },
                stop => break stop,
            }
        };
        match stop {
            Stop::Ended(report) => {
                // A client that does not read gets no more to read.
                self.session.outbox.room().await;
                let reasons = lock(&parked.driven.asker.reasons);
                Ok(result::result(*report, &reasons).into())
            }
            Stop::Unwanted => {
                self.end(parked);
                Err(ErrorData::internal_error("cancelled", None))
            }
            Stop::Round(round) => {
                let handle = secret_name().map_err(internal)?;
                let required = parked.require(round, handle.clone());
                self.waiting.park(handle.clone(), parked);
                // Its questions are answered with a no by then.
                let time = self.session.options.ask_timeout * 2;
                self.waiting.limit(handle, time);
                Ok(required.into())
            }
        }
    }

    /// Ends a call that its client does not want any more.
    fn end(&self, parked: Parked) {
        let session = Arc::clone(&self.session);
        tokio::spawn(async move {
            let listener = parked.driven.listener.clone();
            let report = parked.driven.end().await;
            // A cancelled request has no answer that could say it.
            session.log(&listener, "notice", &result::last_words(*report));
        });
    }

    /// A client comes back with answers.
    async fn resume(
        &self,
        handle: &str,
        arguments: &Value,
        responses: BTreeMap<String, Value>,
        context: &Context,
    ) -> Result<CallToolResponse, ErrorData> {
        let unknown = || ErrorData::invalid_params("no such call waits for an answer", None);
        let mut parked = self.waiting.unpark(handle).ok_or_else(unknown)?;
        if parked.arguments != self.session.keys.of_arguments(arguments) {
            self.waiting.park(handle.to_owned(), parked);
            let message = "the call that waits for this answer has other arguments";
            return Err(ErrorData::invalid_params(message, None));
        }
        parked.place = None;
        parked.request = context.id.clone();
        let driven = &mut parked.driven;
        driven.listener = LogListener::of(context);
        let token = context.meta.get_progress_token();
        let progress = driven.progress.take().zip(token);
        driven.progress = progress.map(|(told, token)| told.renewed(context.peer.clone(), token));
        parked.answer(responses);
        self.go_on(parked, context).await
    }

    /// How questions of a call reach a person.
    fn via(&self, context: &Context, rounds: mpsc::UnboundedSender<Round>) -> Via {
        if self.session.options.ask == Who::Queue {
            return Via::Queue;
        }
        let capabilities = context.client_capabilities();
        if capabilities.is_none_or(|c| c.elicitation.is_none()) {
            return Via::Nobody(
                "the client declares no elicitation (see codex-shell serve --ask)".into(),
            );
        }
        if is_stateless(context) {
            Via::Rounds(rounds)
        } else {
            Via::Client(context.peer.clone())
        }
    }

    async fn explain(
        &self,
        arguments: Value,
        context: &Context,
    ) -> Result<CallToolResponse, ErrorData> {
        let params: ExplainParams = match parse(arguments) {
            Ok(params) => params,
            Err(why) => return Ok(result::failure(&why).into()),
        };
        let _room = self.session.room.acquire().await;
        let rules = self.session.rules(&LogListener::of(context)).await;
        let sent = self.session.sent(&context.meta.0);
        let wanted = sent.map(|sent| self.session.wanted(None, &sent.states));
        let options = &self.session.options;
        let explained = apart(EXPLAINING, || {
            let explained = explain::result(&params, &rules, wanted, options);
            serde_json::to_vec(&explained).unwrap_or_default()
        });
        self.session.outbox.room().await;
        match explained.await {
            Ok(result) => serde_json::from_slice::<CallToolResult>(&result)
                .map(Into::into)
                .map_err(internal),
            Err(undone) => Ok(result::failure(&format!("`command`: {undone}")).into()),
        }
    }
}

fn internal(error: impl std::error::Error) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}

/// Asks the client for its roots, if it has any.
async fn follow_roots(session: Arc<ServerSession>, peer: Peer<RoleServer>) {
    let has_roots = peer.peer_info().is_some_and(|info| {
        let capabilities = serde_json::to_value(&info.capabilities);
        capabilities.is_ok_and(|c| c.get("roots").is_some_and(|roots| !roots.is_null()))
    });
    if !has_roots {
        return;
    }
    let request = ServerRequest::CustomRequest(CustomRequest::new("roots/list", None));
    let answer = peer.send_request(request).await;
    let Some(answer) = answer.ok().and_then(|a| serde_json::to_value(a).ok()) else {
        return;
    };
    let roots = answer.get("roots").and_then(Value::as_array);
    let roots = roots.into_iter().flatten();
    let uris = roots.filter_map(|root| root.get("uri").and_then(Value::as_str));
    session.set_roots(uris.filter_map(codex_state::path_of).collect());
}

/// What a tool takes; what is wrong is said with the name of the parameter. An agent reads results, and may
/// never see an error of the protocol's.
fn parse<T: serde::de::DeserializeOwned>(arguments: Value) -> Result<T, String> {
    serde_path_to_error::deserialize(arguments).map_err(|error| {
        let parameter = error.path().to_string();
        let why = argv::line(&error.into_inner().to_string(), TOLD_BACK);
        match parameter.as_str() {
            // It is about all of them, as where one is missing.
            "." => format!("wrong parameters: {why}"),
            _ => format!(
                "wrong parameters: `{}`: {why}",
                argv::line(&parameter, TOLD_BACK)
            ),
        }
    })
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let mut capabilities = ServerCapabilities::default();
        let version = json!({ "version": SANDBOX_STATE_VERSION });
        let version = version.as_object().cloned().unwrap_or_default();
        let states = codex_state::NAMES.map(|name| (name.to_owned(), version.clone()));
        capabilities.experimental = Some(BTreeMap::from(states));
        capabilities.tools = Some(ToolsCapability::default());
        capabilities.logging = Some(JsonObject::default());
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new(
                "codex-shell",
                env!("CARGO_PKG_VERSION"),
            ))
            .with_instructions(format!(
                "This server provides a tool to execute shell commands and return their output. Each \
                 program that a command starts is judged by the user's rules: {}. A refusal names the \
                 rule and the reason; don't look for another way to do the same.",
                self.session.rules_in_force()
            ))
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: Context,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools()))
    }

    // What is not declared is not there.

    async fn list_prompts(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: Context,
    ) -> Result<ListPromptsResult, ErrorData> {
        Err(ErrorData::method_not_found::<ListPromptsRequestMethod>())
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: Context,
    ) -> Result<ListResourcesResult, ErrorData> {
        Err(ErrorData::method_not_found::<ListResourcesRequestMethod>())
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: Context,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Err(ErrorData::method_not_found::<
            ListResourceTemplatesRequestMethod,
        >())
    }

    async fn complete(
        &self,
        _request: CompleteRequestParams,
        _context: Context,
    ) -> Result<CompleteResult, ErrorData> {
        Err(ErrorData::method_not_found::<CompleteRequestMethod>())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: Context,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        match (&*request.name, request.request_state) {
            ("shell", Some(handle)) => {
                let responses = request.input_responses.unwrap_or_default();
                self.resume(&handle, &arguments, responses, &context).await
            }
            ("shell", None) => self.shell(arguments, context).await,
            ("explain", _) => self.explain(arguments, &context).await,
            _ => Err(ErrorData::invalid_params("tool not found", None)),
        }
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: Context,
    ) -> Result<CustomResult, ErrorData> {
        let is_removed = request.method == "logging/setLevel" && is_stateless(&context);
        match request.method.as_str() {
            SANDBOX_STATE_UPDATE => {
                let state = request.params.unwrap_or_default();
                let updated = self.session.update(&state);
                updated.map_err(|why| ErrorData::invalid_params(why, None))?;
                Ok(CustomResult::new(json!({})))
            }
            // What comes here under a name of the protocol has parameters of a wrong shape.
            "tools/call" | "tools/list" | "logging/setLevel" if !is_removed => Err(
                ErrorData::invalid_params(format!("wrong parameters for {}", request.method), None),
            ),
            _ => Err(ErrorData::new(
                ErrorCode::METHOD_NOT_FOUND,
                request.method,
                None,
            )),
        }
    }

    #[expect(deprecated, reason = "clients of today use it")]
    async fn set_level(
        &self,
        request: rmcp::model::SetLevelRequestParams,
        context: Context,
    ) -> Result<(), ErrorData> {
        if is_stateless(&context) {
            return Err(ErrorData::method_not_found::<SetLevelRequestMethod>());
        }
        let level = serde_json::to_value(request.level).unwrap_or_default();
        self.session.set_level(level.as_str().unwrap_or_default());
        Ok(())
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        follow_roots(Arc::clone(&self.session), context.peer).await;
    }

    /// That of a request which waits for its answer is looked after elsewhere: this is about one that
    /// was answered with questions.
    async fn on_cancelled(
        &self,
        cancelled: CancelledNotificationParam,
        _context: NotificationContext<RoleServer>,
    ) {
        let request = cancelled.request_id.as_ref();
        if let Some(parked) = request.and_then(|id| self.waiting.unpark_request(id)) {
            self.end(parked);
        }
    }

    async fn on_roots_list_changed(&self, context: NotificationContext<RoleServer>) {
        follow_roots(Arc::clone(&self.session), context.peer).await;
    }
}
