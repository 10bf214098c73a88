//! What must hold for a run to pass, and how it is measured.
//!
//! A criterion that a scenario leaves out is not judged and not in its table.

use serde::Deserialize;

/// The `[limits]` of a scenario.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Limits {
    /// Share of phases in SPAT that show the colour of the lamps when they were read, at least, of
    /// those that show a colour.
    pub colour_share_min: Option<f64>,
    /// The same when the SPAT arrives, at least.
    pub arrival_colour_share_min: Option<f64>,
    /// Share of phases that show a colour at all, at least.
    pub known_share_min: Option<f64>,
    /// The same of those only whose lamps were read since their light came on.
    pub known_where_read_share_min: Option<f64>,
    /// Phases that SPAT shows green while their lamps are red, at most.
    pub wrong_greens_max: Option<f64>,
    /// Longest that SPAT goes on to show green after its end, flashing counted to it.
    pub green_overrun_s: Option<f64>,
    /// Error of the end of the running state, median.
    pub countdown_p50_s: Option<f64>,
    /// The same, 99th percentile.
    pub countdown_p99_s: Option<f64>,
    /// The same, largest.
    pub countdown_max_s: Option<f64>,
    /// Difference of the said end and the one that the controller had in mind, 99th percentile.
    pub controllers_word_p99_s: Option<f64>,
    /// Share of running states whose earliest and latest end hold, at least, of those that say them.
    pub bounds_share_min: Option<f64>,
    /// Share of running states that say when they end, at least.
    pub countdown_share_min: Option<f64>,
    /// From the beginning of a silence to the last SPAT with the end of a running state.
    pub timing_withheld_s: Option<f64>,
    /// From the beginning of a silence to the last SPAT with a colour.
    pub colours_withheld_s: Option<f64>,
    /// From the beginning of a silence to the last SPAT.
    pub stopped_s: Option<f64>,
    /// From the end of a silence to the first SPAT in which every phase has a colour.
    pub recovered_s: Option<f64>,
    /// SPATs a second, at least.
    pub spat_rate_min_hz: Option<f64>,
    /// From the reading of the lamps to the arrival of the SPAT, 99th percentile.
    pub spat_age_p99_s: Option<f64>,
    /// MAPs a second, at least.
    pub map_rate_min_hz: Option<f64>,
    /// RSIs a second, at least.
    pub rsi_rate_min_hz: Option<f64>,
    /// Pictures of the road a second, at least.
    pub rsm_rate_min_hz: Option<f64>,
    /// From secMark to the arrival of the RSM, 99th percentile.
    pub rsm_age_p99_s: Option<f64>,
    /// Distance of a road user from where RSM says, median.
    pub position_p50_m: Option<f64>,
    /// The same, 95th percentile.
    pub position_p95_m: Option<f64>,
    /// Difference of speeds, 95th percentile.
    pub speed_p95_mps: Option<f64>,
    /// Share of road users within coverage that RSM does not show, at most.
    pub missed_share_max: Option<f64>,
    /// Share of what RSM shows that is nobody, or somebody a second time, at most.
    pub false_share_max: Option<f64>,
    /// Road users that change their id, at most.
    pub id_switches_per_minute_max: Option<f64>,
    /// From the beginning of a happening on the road to its first RSI, longest.
    pub event_delay_s: Option<f64>,
    /// Happenings that lasted for `event_lasts_s` and were never told, at most.
    pub events_missed_max: Option<f64>,
    /// Distance of an event from where RSI says, 95th percentile.
    pub event_position_p95_m: Option<f64>,
    /// From the end of a happening to its last RSI that does not take it back, longest.
    pub event_cancel_s: Option<f64>,
    /// Events that nothing on the road explains, at most.
    pub false_events_max: Option<f64>,
    /// Share of walkers and riders within coverage that RSM does not show, at most.
    pub vulnerable_missed_share_max: Option<f64>,
    /// Share of the walkers and riders shown that are shown as what they are, at least.
    pub vulnerable_kind_share_min: Option<f64>,
    /// Drivers who ran a red light, at least: else there was nothing to judge.
    pub red_runners_min: Option<f64>,
    /// For so long without a break each of them was shown before it passed its line, at least.
    pub red_runner_shown_s: Option<f64>,
    /// Those who came at least `red_runner_late_s` into red were warned of so long before their line, at
    /// least.
    pub red_runner_warned_s: Option<f64>,
    /// Warnings that nothing comes of, at most.
    pub false_warnings_max: Option<f64>,
    /// Conflicts, at least: else there was nothing to judge.
    pub conflicts_min: Option<f64>,
    /// Of these, where the two had not seen each other, at least.
    pub hidden_conflicts_min: Option<f64>,
    /// For so long before each conflict both had been shown without a break, at least.
    pub conflict_shown_s: Option<f64>,
    /// Share of conflicts that were warned of at least `conflict_warned_s` before, at least.
    pub conflict_warned_share_min: Option<f64>,
    /// Share of entries that are as near as they say, at least, of those that say it.
    pub confidence_share_min: Option<f64>,
    /// What entries say that they are within, in fog over in clear air, at least.
    pub fog_confidence_ratio_min: Option<f64>,
    /// For so long an entry may go on showing nobody.
    pub nobody_longest_s: Option<f64>,
    /// Distance of MAP's centre lines from those of the lanes, 95th percentile.
    pub map_centre_p95_m: Option<f64>,
    /// Distance of MAP's stop lines from those of the lanes, largest.
    pub map_stop_line_max_m: Option<f64>,
    /// Lanes to the junction that no MAP tells, at most.
    pub map_lanes_missing_max: Option<f64>,
    /// Mean delay of buses at the junction, at most.
    pub bus_delay_max_s: Option<f64>,
    /// Mean delay of all other vehicles at the junction, at most.
    pub delay_max_s: Option<f64>,
    /// Share by which the mean delay of buses is less than in the same traffic with a signal that favours
    /// nobody, at least.
    pub bus_delay_less_min: Option<f64>,
    /// Share by which that of all others is more, from where no line of buses comes, at most.
    pub side_delay_more_max: Option<f64>,
    /// From the unit's start to the first RSI with each speed limit that stands at a junction, longest.
    pub speed_sign_told_s: Option<f64>,
    /// From one RSI with such a sign to the next, longest.
    pub speed_sign_gap_s: Option<f64>,
    /// Distance of such a sign from where RSI says, largest.
    pub speed_sign_place_max_m: Option<f64>,
    /// How often RSI tells a speed limit that does not stand there, or with another number than the road's, at
    /// most.
    pub speed_signs_wrong_max: Option<f64>,
    /// How much faster a bus drives than such a sign allows where it holds, at most.
    pub bus_over_speed_sign_max_mps: Option<f64>,
    /// Longest delay of an emergency vehicle on duty at a stop line.
    pub emergency_delay_max_s: Option<f64>,
    /// Flashing greens, yellows and all-reds that are shorter than planned, at most.
    pub clearances_cut_max: Option<f64>,
    /// How often vehicles stand before their line, mean, at most.
    pub stops_mean_max: Option<f64>,
    /// Share of the frames of the roadside unit that vehicles within `delivery_range_m` hear, at least.
    pub delivery_down_min: Option<f64>,
    /// The same for what vehicles say, at the roadside unit.
    pub delivery_up_min: Option<f64>,
    /// The same among vehicles.
    pub delivery_vehicles_min: Option<f64>,
    /// At vehicles, from the making of the newest SPAT that they know to now, 99th percentile.
    pub spat_age_on_board_p99_s: Option<f64>,
    /// Share of advice for which the light is green at the moment of which it speaks, at least.
    pub advice_right_share_min: Option<f64>,
    /// Vehicles that were given any, at least: else there was nothing to judge.
    pub advised_min: Option<f64>,
    /// How often a vehicle that says its name changes its number in RSM, at most.
    pub named_switches_per_minute_max: Option<f64>,
    /// Units at work at one time, at least.
    pub units_min: Option<f64>,
    /// Requests of vehicles to change lanes, at least: else there was nothing to judge.
    pub lane_requests_min: Option<f64>,
    /// Of these, those that were granted at some time, at least.
    pub lane_requests_granted_min: Option<f64>,
    /// Requests to be told who is along a way, at least.
    pub sharing_requests_min: Option<f64>,
    /// Share of all these that are answered, at least.
    pub requests_answered_share_min: Option<f64>,
    /// From the first VIR with a request to the first answer on board, 95th percentile.
    pub answer_delay_p95_s: Option<f64>,
    /// On board, from the making of the newest answer to now, while the request stands, 99th percentile.
    pub answer_age_p99_s: Option<f64>,
    /// From the beginning of a sensor's silence until its health tells of it, longest.
    pub sensor_silent_told_s: Option<f64>,
    /// The same of one that has been turned.
    pub sensor_turned_told_s: Option<f64>,
    /// The same of one that says the same again and again; anything that its health tells will do.
    pub sensor_stuck_told_s: Option<f64>,
    /// From the end of what was wrong with a sensor until its health is good, longest.
    pub sensor_recovered_s: Option<f64>,
    /// How often the health of a sensor tells of something that is not wrong with it, at most.
    pub sensor_false_alarms_max: Option<f64>,
    /// Frames that cannot be decoded or were lost on the way, at most.
    pub undecoded_max: Option<u32>,
    /// Delivery is counted within so far.
    pub delivery_range_m: f64,
    /// A road user is within coverage if a radar is at least so near,
    pub coverage_range_m: f64,
    /// and it is at most so far off the radar's axis;
    pub coverage_half_angle_deg: f64,
    /// or if one is at least so near,
    pub near_coverage_range_m: f64,
    /// and it is at most so far off its axis.
    pub near_coverage_half_angle_deg: f64,
    /// or if a camera whose angle holds it is at least so near, and sees the road there.
    pub camera_coverage_range_m: f64,
    /// Who comes less into red could not be known by anybody.
    pub red_runner_late_s: f64,
    /// A warning of a conflict is in time if it comes so long before.
    pub conflict_warned_s: f64,
    /// A happening that lasts for so long must be told.
    pub event_lasts_s: f64,
    /// A track and a road user nearer than this belong together.
    pub match_m: f64,
}

impl Default for Limits {
    /// Nothing is judged.
    fn default() -> Self {
        Self {
            colour_share_min: None,
            arrival_colour_share_min: None,
            known_share_min: None,
            known_where_read_share_min: None,
            wrong_greens_max: None,
            green_overrun_s: None,
            countdown_p50_s: None,
            countdown_p99_s: None,
            countdown_max_s: None,
            controllers_word_p99_s: None,
            bounds_share_min: None,
            countdown_share_min: None,
            timing_withheld_s: None,
            colours_withheld_s: None,
            stopped_s: None,
            recovered_s: None,
            spat_rate_min_hz: None,
            spat_age_p99_s: None,
            map_rate_min_hz: None,
            rsi_rate_min_hz: None,
            rsm_rate_min_hz: None,
            rsm_age_p99_s: None,
            position_p50_m: None,
            position_p95_m: None,
            speed_p95_mps: None,
            missed_share_max: None,
            false_share_max: None,
            id_switches_per_minute_max: None,
            event_delay_s: None,
            events_missed_max: None,
            event_position_p95_m: None,
            event_cancel_s: None,
            false_events_max: None,
            vulnerable_missed_share_max: None,
            vulnerable_kind_share_min: None,
            red_runners_min: None,
            red_runner_shown_s: None,
            red_runner_warned_s: None,
            false_warnings_max: None,
            conflicts_min: None,
            hidden_conflicts_min: None,
            conflict_shown_s: None,
            conflict_warned_share_min: None,
            confidence_share_min: None,
            fog_confidence_ratio_min: None,
            nobody_longest_s: None,
            map_centre_p95_m: None,
            map_stop_line_max_m: None,
            map_lanes_missing_max: None,
            bus_delay_max_s: None,
            delay_max_s: None,
            bus_delay_less_min: None,
            side_delay_more_max: None,
            speed_sign_told_s: None,
            speed_sign_gap_s: None,
            speed_sign_place_max_m: None,
            speed_signs_wrong_max: None,
            bus_over_speed_sign_max_mps: None,
            emergency_delay_max_s: None,
            clearances_cut_max: None,
            stops_mean_max: None,
            delivery_down_min: None,
            delivery_up_min: None,
            delivery_vehicles_min: None,
            spat_age_on_board_p99_s: None,
            advice_right_share_min: None,
            advised_min: None,
            named_switches_per_minute_max: None,
            units_min: None,
            lane_requests_min: None,
            lane_requests_granted_min: None,
            sharing_requests_min: None,
            requests_answered_share_min: None,
            answer_delay_p95_s: None,
            answer_age_p99_s: None,
            sensor_silent_told_s: None,
            sensor_turned_told_s: None,
            sensor_stuck_told_s: None,
            sensor_recovered_s: None,
            sensor_false_alarms_max: None,
            undecoded_max: None,
            delivery_range_m: 150.0,
            coverage_range_m: 150.0,
            coverage_half_angle_deg: 8.0,
            near_coverage_range_m: 60.0,
            near_coverage_half_angle_deg: 45.0,
            camera_coverage_range_m: 50.0,
            red_runner_late_s: 1.0,
            conflict_warned_s: 2.5,
            event_lasts_s: 30.0,
            match_m: 3.0,
        }
    }
}
