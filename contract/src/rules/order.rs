//! The states of an order (订单状态) and what moves it from one to the next.

use super::matching::numbered;

/// The state of an order. The first six are those of the merchant interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OrderState {
    /// 待支付.
    Pending,
    /// 支付中.
    Paying,
    /// 支付成功.
    Paid,
    /// 支付失败.
    Failed,
    /// 已关闭.
    Closed,
    /// 重缴: a second payment of what had been paid; it goes back.
    Repaid,
    /// 关闭后到账: the channel's success came after the order was closed or had failed.
    Late,
    /// 确认支付: two people confirmed the payment on evidence, after the channel's answer was lost or did not fit the order.
    Confirmed,
}

numbered!(OrderState {
    Pending = 0,
    Paying = 1,
    Paid = 2,
    Failed = 3,
    Closed = 4,
    Repaid = 5,
    Late = 6,
    Confirmed = 7
});

/// What happens to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderEvent {
    /// The payer chose a channel.
    Started,
    /// The channel says that it was paid; whether the same debt had been paid before.
    Succeeded {
        /// Whether another payment for the same pay code counts already.
        paid_before: bool,
    },
    /// The channel says that it was not paid.
    Failed,
    /// Its time is over.
    Expired,
    /// Two people confirm the payment on evidence; whether the same debt had been paid before.
    ConfirmedByTwo {
        /// Whether another payment for the same pay code counts already.
        paid_before: bool,
    },
}

impl OrderState {
    /// The state after an event; none where the event changes nothing or cannot be.
    #[must_use]
    pub const fn after(self, event: OrderEvent) -> Option<Self> {
        match (self, event) {
            (Self::Pending | Self::Failed, OrderEvent::Started) => Some(Self::Paying),
            (
                Self::Pending | Self::Paying | Self::Failed | Self::Closed,
                OrderEvent::Succeeded { paid_before: true } | OrderEvent::ConfirmedByTwo { paid_before: true },
            ) => Some(Self::Repaid),
            (Self::Pending | Self::Paying, OrderEvent::Succeeded { paid_before: false }) => Some(Self::Paid),
            (Self::Failed | Self::Closed, OrderEvent::Succeeded { paid_before: false }) => Some(Self::Late),
            (Self::Pending | Self::Paying, OrderEvent::Failed) => Some(Self::Failed),
            (Self::Pending | Self::Paying | Self::Failed, OrderEvent::Expired) => Some(Self::Closed),
            (
                Self::Pending | Self::Paying | Self::Failed | Self::Closed,
                OrderEvent::ConfirmedByTwo { paid_before: false },
            ) => Some(Self::Confirmed),
            _ => None,
        }
    }

    /// Whether money came in.
    #[must_use]
    pub const fn has_money(self) -> bool {
        matches!(self, Self::Paid | Self::Repaid | Self::Late | Self::Confirmed)
    }

    /// Whether its payment counts against the debt, so that another one would be one too many.
    #[must_use]
    pub const fn counts(self) -> bool {
        matches!(self, Self::Paid | Self::Late | Self::Confirmed)
    }

    /// Whether it may still be paid in the ordinary way.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Paying)
    }
}

#[cfg(test)]
mod tests {
    use super::{OrderEvent, OrderState};

    const STATES: [OrderState; 8] = [
        OrderState::Pending,
        OrderState::Paying,
        OrderState::Paid,
        OrderState::Failed,
        OrderState::Closed,
        OrderState::Repaid,
        OrderState::Late,
        OrderState::Confirmed,
    ];

    #[test]
    fn an_order_goes_from_state_to_state() {
        let events = [
            OrderEvent::Started,
            OrderEvent::Succeeded { paid_before: false },
            OrderEvent::Succeeded { paid_before: true },
            OrderEvent::Failed,
            OrderEvent::Expired,
            OrderEvent::ConfirmedByTwo { paid_before: false },
            OrderEvent::ConfirmedByTwo { paid_before: true },
        ];
        let after = |state: OrderState| events.map(|event| state.after(event).map(OrderState::number));
        assert_eq!(after(OrderState::Pending), [Some(1), Some(2), Some(5), Some(3), Some(4), Some(7), Some(5)]);
        assert_eq!(after(OrderState::Paying), [None, Some(2), Some(5), Some(3), Some(4), Some(7), Some(5)]);
        assert_eq!(after(OrderState::Failed), [Some(1), Some(6), Some(5), None, Some(4), Some(7), Some(5)]);
        assert_eq!(after(OrderState::Closed), [None, Some(6), Some(5), None, None, Some(7), Some(5)]);
        for last in [OrderState::Paid, OrderState::Repaid, OrderState::Late, OrderState::Confirmed] {
            assert_eq!(after(last), [None; 7]);
        }
    }

    #[test]
    fn money_that_came_never_leaves_its_state() {
        for state in STATES {
            assert_eq!(OrderState::of(state.number()), Some(state));
            assert!(!state.counts() || state.has_money());
            assert!(!(state.is_open() && state.has_money()));
        }
        assert_eq!(OrderState::of(8), None);
    }
}
