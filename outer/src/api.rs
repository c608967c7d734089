//! The operations of the node.

use std::sync::Arc;

use node::desk::{self, ClientShown};
use node::http::{Access, Api};
use node::people::Role;

use crate::callback::{self, CallbackAsked, CallbacksAsked};
use crate::closing::{self, CloseAsked, CloseDecided, ExceptionClosed};
use crate::create::{self, NewOrder};
use crate::evidence::{self, ConfirmAsked, ConfirmDecided, EvidenceAsked};
use crate::exception::{self, ExceptionsAsked};
use crate::notice::{self, NoticeAsked};
use crate::pay::{self, PayAsked};
use crate::query::{self, BaseAsked, ConfirmationAsked, OrderAsked, OrdersAsked, OwnOrderAsked};
use crate::request::{self, NewRequest, OwnRequestAsked, RequestAsked};
use crate::result::{self, ChannelResult};
use crate::service::{CHANNEL, PayNode, UNIT};

/// What clients may be allowed.
pub const PERMISSIONS: &[&str] = &[UNIT, CHANNEL];

const UNITS: Access = Access::Client(UNIT);
const CHANNELS: Access = Access::Client(CHANNEL);
const OPERATOR: Access = Access::People(&[Role::Operator]);
const REVIEWER: Access = Access::People(&[Role::Reviewer]);
const READERS: Access = Access::People(&[Role::Operator, Role::Reviewer, Role::Auditor]);
const OPERATOR_AND_AUDITOR: Access = Access::People(&[Role::Operator, Role::Auditor]);
const ADMINISTRATOR: Access = Access::People(&[Role::Administrator]);

type Own = Arc<PayNode>;

/// All operations.
#[must_use]
pub fn operations() -> Api<PayNode> {
    desk_of_people(exceptions(requests(orders(lookups(desk::operations(Api::new()))))))
}

fn lookups(api: Api<PayNode>) -> Api<PayNode> {
    api.get(
        "/notice",
        Access::Anyone,
        "A notice, and whether it may be paid",
        |own: Own, _, asked: NoticeAsked| async move { notice::show(&own, asked).await },
    )
    .get("/agencies", Access::Anyone, "Looks for agencies", |own: Own, _, asked: BaseAsked| async move {
        query::agencies(&own, asked).await
    })
    .get("/items", Access::Anyone, "Looks for income items", |own: Own, _, asked: BaseAsked| async move {
        query::items(&own, asked).await
    })
    .get(
        "/confirm",
        Access::Anyone,
        "What the inner zone made of a confirmation",
        |own: Own, _, asked: ConfirmationAsked| async move { query::confirmation(&own, asked).await },
    )
}

fn orders(api: Api<PayNode>) -> Api<PayNode> {
    api.post("/order/create", UNITS, "Makes an order", |own: Own, caller, asked: NewOrder| async move {
        create::create(&own, caller.client()?, asked).await
    })
    .get("/order", Access::Anyone, "An order", |own: Own, _, asked: OrderAsked| async move {
        query::order(&own, asked).await
    })
    .post("/order/query", UNITS, "An order of the client's own", |own: Own, caller, asked: OwnOrderAsked| async move {
        query::own_order(&own, caller.client()?, asked).await
    })
    .post("/order/pay", Access::Anyone, "Begins to pay an order", |own: Own, _, asked: PayAsked| async move {
        pay::pay(&own, asked).await
    })
    .post(
        "/channel/result",
        CHANNELS,
        "What a channel says became of an order",
        |own: Own, caller, asked: ChannelResult| async move { result::take(&own, &caller, asked).await },
    )
}

fn requests(api: Api<PayNode>) -> Api<PayNode> {
    api.post("/request/create", UNITS, "Asks that a notice be issued", |own: Own, caller, asked: NewRequest| async move {
        request::create(&own, caller.client()?, asked).await
    })
    .get("/request", Access::Anyone, "A request and its answer", |own: Own, _, asked: RequestAsked| async move {
        request::show(&own, asked).await
    })
    .post(
        "/request/query",
        UNITS,
        "A request of the client's own and its answer",
        |own: Own, caller, asked: OwnRequestAsked| async move {
            request::show_own(&own, caller.client()?, asked).await
        },
    )
}

fn exceptions(api: Api<PayNode>) -> Api<PayNode> {
    api.get("/exceptions", READERS, "What did not fit", |own: Own, _, asked: ExceptionsAsked| async move {
        exception::list(&own, asked).await
    })
    .post(
        "/exception/close",
        OPERATOR,
        "Closes an exception without money",
        |own: Own, caller, asked: ExceptionClosed| async move { closing::close(&own, &caller, asked).await },
    )
    .post(
        "/exception/close-ask",
        OPERATOR,
        "Asks that an exception with money be closed",
        |own: Own, caller, asked: CloseAsked| async move { closing::ask(&own, &caller, asked).await },
    )
    .post(
        "/exception/close-allow",
        REVIEWER,
        "Closes an exception as was asked, or leaves it open",
        |own: Own, caller, asked: CloseDecided| async move { closing::decide(&own, &caller, asked).await },
    )
    .get("/callbacks", OPERATOR_AND_AUDITOR, "What units are told", |own: Own, _, asked: CallbacksAsked| async move {
        callback::list(&own, asked).await
    })
    .post(
        "/callback/again",
        OPERATOR,
        "Tells a unit again",
        |own: Own, caller, asked: CallbackAsked| async move { callback::again(&own, &caller, asked).await },
    )
}

fn desk_of_people(api: Api<PayNode>) -> Api<PayNode> {
    api.get("/orders", READERS, "Lists orders", |own: Own, _, asked: OrdersAsked| async move {
        query::orders(&own, asked).await
    })
    .post(
        "/order/confirm-ask",
        OPERATOR,
        "Asks that a payment be confirmed on evidence",
        |own: Own, caller, asked: ConfirmAsked| async move { evidence::ask(&own, &caller, asked).await },
    )
    .post(
        "/order/confirm-allow",
        REVIEWER,
        "Confirms a payment on evidence, or turns it down",
        |own: Own, caller, asked: ConfirmDecided| async move { evidence::decide(&own, &caller, asked).await },
    )
    .get("/evidence", READERS, "Lists evidence", |own: Own, _, asked: EvidenceAsked| async move {
        evidence::list(&own, asked).await
    })
    .post(
        "/clients/put",
        ADMINISTRATOR,
        "Writes a client down",
        |own: Own, caller, asked: ClientShown| async move {
            desk::put_client(&own.node, &caller, asked, PERMISSIONS).await
        },
    )
}
