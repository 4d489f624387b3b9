//! Judges services, their connections and the use of the policy.

use std::{collections::BTreeSet, io, pin::pin};

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use warden::{
    audit::{
        admission_order::AdmissionOrder,
        connection_view::ConnectionView,
        definition::Evidence,
        findings::{of_connection, of_grants, of_service, of_usage},
        grant_view::{GrantUse, GrantView},
        justification::{Justification, LedgerContext},
        permission_diff::GrantedAccounts,
        service_view::ServiceView,
        usage::UsageView,
    },
    decision::Hold,
    ledger::{
        history::{LedgerHistory, PageHistory},
        open_finding::{Owner, owner_of},
    },
    model::{
        connection::{Connection, Phase},
        facts::{Claim, Facts},
        ids::ServiceId,
        mode::Mode,
        notification::ConnectionNotification,
        principal::{AllowedPrincipal, Principal},
        service::ServiceConfiguration,
    },
    ports::{Directory, History, Inventory},
};

use crate::{
    audit::Audit,
    read::{Content, Counted, Page, Read},
    report::{Row, ServiceSection},
    state::RunState,
};

/// Services that are read at the same time. AWS throttles PrivateLink's calls for each account.
const SERVICES_AT_ONCE: usize = 8;

/// The connection notifications of all services. `None` if they could not be read.
type Notifications<'a> = Option<&'a [ConnectionNotification]>;

/// A service whose connections are judged.
struct Service<'a> {
    configuration: &'a ServiceConfiguration,
    owner: &'a Owner,
    history: Option<&'a LedgerHistory>,
    hold: Option<&'a Hold>,
    order: &'a AdmissionOrder,
}

impl Service<'_> {
    /// The ledger's entries that matter for a connection. `page` holds those about the connections of its page, if they could be read.
    fn ledger<'b>(&'b self, connection: &Connection, page: Option<&'b PageHistory>, state: &RunState<'_>) -> LedgerContext<'b> {
        let history = page.and_then(|page| page.of(connection));
        let unread = page.is_none() || self.history.is_none_or(|all| all.grants_unreadable);
        LedgerContext {
            history,
            grants: self.history.map_or(&[], |history| history.grants.as_slice()),
            incomplete: unread || history.is_some_and(|history| history.unreadable),
            hold: self.hold,
            hold_unknown: self.hold.is_none() && (self.history.is_none() || state.stack_hold.is_none()),
            policy_since: state.policy_since(),
            allowed_since: state.known_before.allowed(&connection.service, &connection.subject),
        }
    }
}

impl<I: Inventory + Sync, L: History + Sync, R, D: Directory + Sync> Audit<I, L, R, D> {
    pub(crate) async fn judge_services(&self, state: &mut RunState<'_>) -> io::Result<()> {
        state.stack_hold = state.unseen.read("the hold of the stack could not be read", self.ledger.hold_of_stack().await);
        let notifications = self.inventory.connection_notifications().await;
        let notifications = state.unseen.read("connection notifications could not be listed", notifications);
        state.coverage.notifications_listed = notifications.is_some();
        let services = state.unseen.read("endpoint services could not be listed", self.inventory.service_configurations().await);
        state.coverage.services_listed = services.is_some();
        let in_scope: Vec<_> = services.into_iter().flatten().filter(|service| self.scope.covers(&service.service)).collect();
        state.coverage.services = in_scope.iter().map(|service| (service.service.id.clone(), BTreeSet::new())).collect();
        let large = self.judge_while_reading(state, in_scope, notifications.as_deref()).await?;
        for configuration in large {
            let read = self.read_large(configuration, state.deadline).await;
            self.judge_read(state, read, notifications.as_deref()).await?;
        }
        Ok(())
    }

    /// Judges services while others are read. Returns the large ones: while a large one is judged page by page, the
    /// answers of other calls would wait too long.
    async fn judge_while_reading(
        &self,
        state: &mut RunState<'_>,
        services: Vec<ServiceConfiguration>,
        notifications: Notifications<'_>,
    ) -> io::Result<Vec<ServiceConfiguration>> {
        let deadline = state.deadline;
        let mut reads = pin!(stream::iter(services).map(|service| self.read(service, deadline)).buffered(SERVICES_AT_ONCE));
        let mut large = Vec::new();
        while let Some(read) = reads.next().await {
            large.extend(self.judge_read(state, read, notifications).await?);
        }
        Ok(large)
    }

    /// Judges what was read of a service. Returns the service if it is large.
    async fn judge_read(
        &self,
        state: &mut RunState<'_>,
        read: Read,
        notifications: Notifications<'_>,
    ) -> io::Result<Option<ServiceConfiguration>> {
        match read {
            Read::Content(content) => self.judge_service(state, *content, notifications).await.map(|()| None),
            Read::Large(configuration) => Ok(Some(configuration)),
            Read::Skipped(id) => {
                state.unseen.add(format!("{id}: the deadline was near"));
                Ok(None)
            }
        }
    }

    async fn judge_service(&self, state: &mut RunState<'_>, content: Content, notifications: Notifications<'_>) -> io::Result<()> {
        let Content { configuration, permissions, history, connections } = content;
        let id = &configuration.service.id;
        let permissions = state.unseen.read(&format!("{id}: permissions could not be read"), permissions);
        let history = state.unseen.read(&format!("{id}: the ledger's entries could not be read"), history);
        let connections = state.unseen.read(&format!("{id}: connections could not be read"), connections);
        history.iter().for_each(|history| state.add_history(&configuration.service, history));
        let (permissions, history, owner) = (permissions.as_deref(), history.as_ref(), owner_of(&configuration.service));
        let readable = history.filter(|history| !history.grants_unreadable);
        let granted = readable.and_then(|history| match &connections {
            Some(counted) => Some(counted.granted.clone()),
            None => GrantedAccounts::without_connections(&history.grants, state.now),
        });
        if granted.is_some() {
            state.cover(id, Evidence::Grants);
        }
        let view =
            ServiceView::new(&self.thresholds, &self.policy, &configuration, permissions, notifications, granted.as_ref(), state.now);
        cover(state, id, permissions, &view);
        let hold = state.hold(history).cloned();
        let findings = of_service(&view);
        state.summary.services += 1;
        let mut section = state.report.begin_service(&configuration, hold.as_ref(), findings.len())?;
        findings.into_iter().try_for_each(|finding| state.add(&owner, finding))?;
        if let Some(Counted { first, order, .. }) = connections {
            let service = Service { configuration: &configuration, owner: &owner, history, hold: hold.as_ref(), order: &order };
            self.judge_connections(state, &service, first, &mut section).await?;
        }
        state.report.end_service(section)
    }

    async fn judge_connections(
        &self,
        state: &mut RunState<'_>,
        service: &Service<'_>,
        first: Page,
        section: &mut ServiceSection,
    ) -> io::Result<()> {
        let id = &service.configuration.service.id;
        let (mut page, mut readable) = (first, true);
        let mut recorded = service.history.is_some_and(|history| history.unreadable.is_empty()) && state.stack_hold.is_some();
        state.grant_use = GrantUse::default();
        loop {
            let Page { connections, history } = page;
            connections.unreadable.iter().for_each(|ids| state.unseen.add(format!("{id}: a connection without readable ids: {ids}")));
            readable &= connections.unreadable.is_empty();
            let history = state.unseen.read(&format!("{id}: the ledger's entries about connections could not be read"), history);
            history.iter().flat_map(|history| &history.unreadable).for_each(|what| state.unseen.add(format!("the ledger: {what}")));
            recorded &= history.as_ref().is_some_and(|history| history.unreadable.is_empty());
            for connection in &connections.connections {
                self.judge_connection(state, service, connection, history.as_ref(), section).await?;
            }
            let Some(from) = connections.next else { break };
            if state.deadline.near() {
                state.unseen.add(format!("{id}: the deadline was near"));
                return Ok(());
            }
            let next = self.page(id, &from).await;
            let Some(next) = state.unseen.read(&format!("{id}: connections could not be read"), next) else { return Ok(()) };
            page = next;
        }
        if readable {
            state.cover(id, Evidence::Connections);
            self.judge_grants(state, service)?;
        }
        if recorded {
            state.cover(id, Evidence::Ledger);
        }
        Ok(())
    }

    /// Judges the grants on a service whose connections are all judged.
    fn judge_grants(&self, state: &mut RunState<'_>, service: &Service<'_>) -> io::Result<()> {
        let view = GrantView {
            thresholds: &self.thresholds,
            service: &service.configuration.service,
            grants: service.history.map_or(&[], |history| history.grants.as_slice()),
            usage: &state.grant_use,
            now: state.now,
        };
        of_grants(&view).into_iter().try_for_each(|finding| state.add(service.owner, finding))
    }

    async fn judge_connection(
        &self,
        state: &mut RunState<'_>,
        service: &Service<'_>,
        connection: &Connection,
        page: Option<&PageHistory>,
        section: &mut ServiceSection,
    ) -> io::Result<()> {
        if connection.state.phase() == Phase::Gone {
            return Ok(());
        }
        let ledger = service.ledger(connection, page, state);
        let facts = self.facts(service, connection, page, ledger, state.now).await;
        let view = ConnectionView::new(&self.thresholds, &self.policy, service.configuration, &facts, ledger);
        state.summary.count(connection, state.now);
        state.grant_use.add(&view);
        view.matched().for_each(|id| state.usage.policy(id, state.now));
        connection.owner.iter().for_each(|account| state.usage.account(&self.policy, account, state.now));
        if let Justification::Unknown { why } = view.justification() {
            let subject = (connection.service.clone(), connection.subject.clone());
            if !view.is_described() {
                state.coverage.undescribed.insert(subject.clone());
            }
            state.coverage.unjudged.insert(subject);
            state.unseen.add(format!("{}/{}: {why}", connection.service, connection.subject));
        }
        // A request that is on hold, or that is only observed, need not be answered.
        let on_hold = ledger.hold.is_some() || (ledger.hold_unknown && ledger.allowed_since.is_none());
        let mode = self.thresholds.mode.of_service(&service.configuration.service);
        if let Some(since) = view.allowed_since().filter(|_| !on_hold && mode == Mode::Active) {
            state.known_since.remember_allowed(&connection.service, &connection.subject, since);
        }
        let findings = of_connection(&view);
        let row = Row { connection, justification: view.justification(), hold: service.hold, findings: &findings };
        state.report.connection(section, &row)?;
        findings.into_iter().try_for_each(|finding| state.add(service.owner, finding))
    }

    /// The facts about a connection. AWS Organizations is asked only if the policy could depend on its answer.
    async fn facts(
        &self,
        service: &Service<'_>,
        connection: &Connection,
        page: Option<&PageHistory>,
        ledger: LedgerContext<'_>,
        now: Timestamp,
    ) -> Facts {
        let counts = service.order.beside(connection, page);
        let mut facts = Facts::described(service.configuration.service.clone(), connection.clone(), counts, now);
        self.members.complete(&self.policy, &mut facts).await;
        self.members.complete_for_grant(&self.policy, &mut facts, ledger.grants).await;
        let role = ledger.history.and_then(|history| history.role.clone());
        facts.with_claim(role.map(|role| Claim::recorded(connection, role)))
    }

    /// Judges the use of the policy. Without all evidence, no policy counts as unused.
    pub(crate) fn judge_usage(&self, state: &mut RunState<'_>) -> io::Result<()> {
        if !state.coverage.is_complete() {
            return Ok(());
        }
        let view = UsageView {
            thresholds: &self.thresholds,
            policy: &self.policy,
            usage: &state.usage,
            known_since: &state.known_since,
            now: state.now,
        };
        of_usage(&view).into_iter().try_for_each(|finding| state.add(&None, finding))
    }
}

/// Records the evidence about a service itself, and what is missing of it.
fn cover(state: &mut RunState<'_>, id: &ServiceId, permissions: Option<&[AllowedPrincipal]>, view: &ServiceView<'_>) {
    state.cover(id, Evidence::Configuration);
    if state.coverage.notifications_listed {
        state.cover(id, Evidence::Notifications);
    }
    if let Some(permissions) = permissions {
        state.cover(id, Evidence::Permissions);
        permissions.iter().for_each(|permission| {
            if let Principal::Unknown { kind } = &permission.principal {
                state.unseen.add(format!("{id}: the permission for `{}` has the unknown type `{kind}`", permission.text));
            }
        });
    }
    match view.missing_permissions_unlisted() {
        0 => state.cover(id, Evidence::MissingPermissions),
        more => state.unseen.add(format!("{id}: {more} more accounts lack a permission than the report lists")),
    }
}
