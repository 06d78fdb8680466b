/// The 88 numbers of a record that models take in beside the signal: 24 of the whole record, 8 of each of 8 leads.
///
/// A number that was not measured, or that lies outside the range in which it can be believed, is NaN.
public enum ClinicalFeatures {
    /// Numbers of the whole record.
    public static let globalCount = 24
    /// Numbers of a lead.
    public static let perLeadCount = 8
    /// The leads that numbers are taken of, by their place in the standard order: I, II, V1 to V6.
    public static let leads = [0, 1, 6, 7, 8, 9, 10, 11]
    /// All numbers: the record's first, then lead by lead.
    public static let count = globalCount + leads.count * perLeadCount

    /// Names of the record's numbers, in order.
    public static let globalNames = [
        "heart_rate_per_minute", "rr_mean_ms", "rr_sd_ms", "rmssd_ms", "rr_min_max_ratio",
        "rr_irregular_share", "beat_count", "p_wave_share",
        "p_duration_ms", "pr_ms", "qrs_ms", "qt_ms", "qtc_bazett_ms", "qtc_fridericia_ms",
        "t_peak_end_ms", "jt_ms",
        "p_axis_sine", "p_axis_cosine", "qrs_axis_sine", "qrs_axis_cosine", "t_axis_sine",
        "t_axis_cosine", "qrs_t_angle_sine", "qrs_t_angle_cosine",
    ]

    /// Names of a lead's numbers, in order.
    public static let perLeadNames = [
        "p_mv", "q_mv", "r_mv", "s_mv", "t_mv", "st_j60_mv", "st_slope_mv_per_s",
        "qrs_area_mv_ms",
    ]

    /// The numbers whose logarithm, `log(1 + x)`, is normalised: deviations of intervals have long tails.
    public static let logarithmic = [2, 3]

    /// The numbers of a record, `count` of them.
    ///
    /// - Parameter measurements: What was measured.
    /// - Returns: Values in the order of the names, NaN where not measured.
    public static func values(of measurements: ClinicalMeasurements) -> [Float] {
        var values: [Double?] = rhythm(measurements.rhythm)
        let rhythmIsValid = values[0] != nil
        values += intervals(measurements.intervals, rhythmIsValid: rhythmIsValid)
        let (p, qrs, t) = (measurements.pAxis, measurements.qrsAxis, measurements.tAxis)
        var angle: ClinicalMeasurements.Axis?
        if let qrs, let t { angle = qrs.turn(to: t) }
        for axis in [p, qrs, t, angle] { values += [axis?.sine, axis?.cosine] }
        for lead in leads {
            let row = measurements.leads[lead]
            values += [
                row.pMillivolts?.within(-5...5), row.qMillivolts?.within(-5...5),
                row.rMillivolts?.within(-5...5), row.sMillivolts?.within(-5...5),
                row.tMillivolts?.within(-5...5), row.stJ60Millivolts?.within(-1...1),
                row.stSlopeMillivoltsPerSecond, row.qrsAreaMillivoltMilliseconds,
            ]
        }
        return values.map { $0.map { Float($0) } ?? .nan }
    }

    private static func rhythm(_ rhythm: ClinicalMeasurements.Rhythm) -> [Double?] {
        let rate = rhythm.heartRatePerMinute?.within(20...300)
        let values = [
            rhythm.rrMeanMilliseconds, rhythm.rrSDMilliseconds, rhythm.rmssdMilliseconds,
            rhythm.rrMinMaxRatio, rhythm.rrIrregularShare, rhythm.beatCount.map(Double.init),
            rhythm.pWaveShare,
        ]
        return [rate] + (rate == nil ? .init(repeating: nil, count: values.count) : values)
    }

    private static func intervals(
        _ intervals: ClinicalMeasurements.Intervals, rhythmIsValid: Bool
    ) -> [Double?] {
        let qrs = intervals.qrsMilliseconds?.within(40...240)
        let qt = intervals.qtMilliseconds?.within(200...650)
        let hasRate = qt != nil && rhythmIsValid
        return [
            intervals.pMilliseconds?.within(40...180), intervals.prMilliseconds?.within(80...400),
            qrs, qt, hasRate ? intervals.qtcBazettMilliseconds : nil,
            hasRate ? intervals.qtcFridericiaMilliseconds : nil,
            qt == nil ? nil : intervals.tPeakEndMilliseconds,
            qt == nil || qrs == nil ? nil : intervals.jtMilliseconds,
        ]
    }
}
