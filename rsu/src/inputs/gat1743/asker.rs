//! When to ask a controller that only speaks when asked: periods, and retries of lost questions.

use std::time::Duration;

use super::content::{CONTROL_MODE, CURRENT_PLAN, LAMP_STATE, RUN_STATE};
use super::wire::Address;
use crate::clock::Mono;

/// How a controller is asked; without it we only listen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asking {
    /// Who we say that we are.
    pub ours: Address,
    /// Whom we ask; [`Address::EVERY`] as its number where there is only one on the line.
    pub controller: Address,
    /// Header field "link code".
    pub link: u16,
    /// How often for lamp states. None: never.
    pub lamps_every: Option<Duration>,
    /// How often for the plan that is running. None: never.
    pub plan_every: Option<Duration>,
    /// How often for the control mode and the run state. None: never.
    pub mode_every: Option<Duration>,
    /// After how long without an answer a question is put again.
    pub retry_after: Duration,
    /// How often it is put again before the next period is waited for.
    pub retries: u8,
}

impl Default for Asking {
    /// Lamps each second, mode and run state each 5 s, plan each 10 s, two retries after 300 ms each.
    fn default() -> Self {
        Self {
            ours: Address {
                division: 0,
                kind: Address::ROADSIDE_UNIT,
                number: 1,
            },
            controller: Address {
                division: 0,
                kind: Address::CONTROLLER,
                number: Address::EVERY,
            },
            link: 0b1,
            lamps_every: Some(Duration::from_secs(1)),
            plan_every: Some(Duration::from_secs(10)),
            mode_every: Some(Duration::from_secs(5)),
            retry_after: Duration::from_millis(300),
            retries: 2,
        }
    }
}

/// Which question is due, and what became of the last ones.
#[derive(Debug)]
pub(super) struct Asker {
    questions: [Question; 4],
    retry_after: Duration,
    retries: u8,
}

#[derive(Debug)]
struct Question {
    object: u16,
    every: Duration,
    /// Next time that it is put; [`Mono::NEVER`] if it is not asked at all.
    due: Mono,
    /// When this round's question was first put.
    round: Mono,
    /// How often it was put in this round.
    put: u8,
    answered: bool,
}

/// A question to put now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) object: u16,
    /// The round before this one was never answered.
    pub(super) unanswered: bool,
}

impl Asker {
    pub(super) fn new(asking: &Asking) -> Self {
        let question = |object, every: Option<Duration>| Question {
            object,
            every: every.unwrap_or_default(),
            due: every.map_or(Mono::NEVER, |_| Mono::ZERO),
            round: Mono::ZERO,
            put: 0,
            answered: true,
        };
        Self {
            questions: [
                question(LAMP_STATE, asking.lamps_every),
                question(CURRENT_PLAN, asking.plan_every),
                question(CONTROL_MODE, asking.mode_every),
                question(RUN_STATE, asking.mode_every),
            ],
            // A zero here would ask for ever within one wake-up.
            retry_after: asking.retry_after.max(Duration::from_millis(10)),
            retries: asking.retries,
        }
    }

    /// The next question that is due; call until None.
    pub(super) fn poll(&mut self, now: Mono) -> Option<Due> {
        let (retry_after, retries) = (self.retry_after, self.retries);
        let question = self.questions.iter_mut().find(|q| q.due <= now)?;
        let mut unanswered = false;
        if question.put == 0 {
            unanswered = !question.answered;
            question.round = now;
            question.answered = false;
        }
        question.put = question.put.saturating_add(1);
        question.due = now + retry_after;
        if question.put > retries {
            question.put = 0;
            question.due = question.due.max(question.round + question.every);
        }
        Some(Due {
            object: question.object,
            unanswered,
        })
    }

    /// An answer came.
    pub(super) fn answered(&mut self, object: u16) {
        let open = |q: &&mut Question| q.object == object && !q.answered;
        if let Some(question) = self.questions.iter_mut().find(open) {
            question.answered = true;
            question.put = 0;
            // An instant period would otherwise ask as fast as the controller answers.
            question.due = question.round + question.every.max(Duration::from_millis(10));
        }
    }

    pub(super) fn poll_timeout(&self) -> Mono {
        let dues = self.questions.iter().map(|q| q.due);
        dues.min().unwrap_or(Mono::NEVER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_ms(ms: u64) -> Mono {
        Mono::from_nanos(ms * 1_000_000)
    }

    fn lamps_only() -> Asker {
        Asker::new(&Asking {
            plan_every: None,
            mode_every: None,
            ..Asking::default()
        })
    }

    #[test]
    fn an_answered_question_is_put_again_after_its_period() {
        let mut asker = lamps_only();
        assert_eq!(asker.poll(at_ms(500)).unwrap().object, LAMP_STATE);
        assert_eq!(asker.poll(at_ms(500)), None);
        asker.answered(LAMP_STATE);
        assert_eq!(asker.poll_timeout(), at_ms(1500));
        assert_eq!(asker.poll(at_ms(1499)), None);
        assert!(!asker.poll(at_ms(1500)).unwrap().unanswered);
    }

    #[test]
    fn a_lost_question_is_put_twice_more_and_then_waits_for_its_period() {
        let mut asker = lamps_only();
        let mut put = Vec::new();
        for ms in 0..2300 {
            if let Some(due) = asker.poll(at_ms(ms)) {
                put.push((ms, due.unanswered));
            }
        }
        let expected = [
            (0, false),
            (300, false),
            (600, false),
            (1000, true),
            (1300, false),
            (1600, false),
            (2000, true),
        ];
        assert_eq!(put, expected);
    }

    #[test]
    fn an_answer_that_nobody_asked_for_changes_nothing() {
        let mut asker = lamps_only();
        asker.answered(CURRENT_PLAN);
        asker.answered(LAMP_STATE);
        assert_eq!(asker.poll_timeout(), Mono::ZERO);
    }
}
