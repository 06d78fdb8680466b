/// What was measured on a record; `nil` is "not measurable", never a zero.
public struct ClinicalMeasurements: Sendable, Equatable {
    /// Something about the record that a reader of the numbers should know.
    public enum Flag: String, Sendable, CaseIterable {
        /// No beat was found.
        case noBeats = "no_beats"
        /// The leads move as strongly and slowly as a heart moves them, but no beat can be told from the next.
        case notMeasurable = "not_measurable"
        /// Fewer than three beats are of the dominant form.
        case fewBeats = "few_beats"
        /// Leads are missing, were computed from others, or are invalid for more than a hundredth of the record.
        case missingLeads = "missing_leads"
        /// For more than 20 ms at a time no lead has a signal; no interval crosses such a gap.
        case gaps
        /// A lead does not move.
        case flatLead = "flat_lead"
        /// Samples stick at the limits of the converter.
        case clipped
        /// The mean quality of the leads that can be used is below one half.
        case noisy
        /// Spikes come before beats as those of a pacemaker do.
        case paced
        /// There are beats of another form.
        case ectopicBeats = "ectopic_beats"
        /// No P wave was measured: none stands out from noise, or it does not come before most beats.
        case noPWaves = "no_p_waves"
        /// RR intervals usually change by more than 7 % from one to the next, or more than a quarter are 20 % off.
        case irregular
        /// Samples are too far apart to see where QRS begins and ends.
        case lowSampleRate = "low_sample_rate"
        /// Below 50 /min.
        case slow
        /// Above 100 /min.
        case fast
        /// III = II - I does not hold: gains differ, so axes are not measured.
        case inconsistentGains = "inconsistent_gains"
    }

    /// Rate and variability, from all beats of the record.
    public struct Rhythm: Sendable, Equatable {
        /// 60,000 over the mean RR interval.
        public var heartRatePerMinute: Double?
        /// The mean distance of neighbouring beats.
        public var rrMeanMilliseconds: Double?
        /// SDNN: the deviation (n - 1) of the intervals between dominant beats.
        public var rrSDMilliseconds: Double?
        /// The root of the mean square of differences of neighbouring intervals between dominant beats.
        public var rmssdMilliseconds: Double?
        /// The shortest over the longest interval.
        public var rrMinMaxRatio: Double?
        /// Part of the intervals that are more than 20 % off the median.
        public var rrIrregularShare: Double?
        /// The median change from one interval to the next, between dominant beats, as a part of the mean interval.
        public var rrChangeShare: Double?
        /// Beats in the record.
        public var beatCount: Int?
        /// Part of the beats that have a P wave.
        public var pWaveShare: Double?
    }

    /// Durations on the typical beat, over all leads.
    public struct Intervals: Sendable, Equatable {
        /// Onset to offset of P.
        public var pMilliseconds: Double?
        /// Onset of P to onset of QRS.
        public var prMilliseconds: Double?
        /// Onset to offset of QRS.
        public var qrsMilliseconds: Double?
        /// Onset of QRS to offset of T.
        public var qtMilliseconds: Double?
        /// QT over the root of RR in seconds.
        public var qtcBazettMilliseconds: Double?
        /// QT over the cube root of RR in seconds.
        public var qtcFridericiaMilliseconds: Double?
        /// QT plus 154 ms for each second that RR is shorter than one.
        public var qtcFraminghamMilliseconds: Double?
        /// QT plus 1.75 ms for each beat a minute above 60.
        public var qtcHodgesMilliseconds: Double?
        /// Peak to offset of T.
        public var tPeakEndMilliseconds: Double?
        /// Offset of QRS to offset of T.
        public var jtMilliseconds: Double?
    }

    /// A direction in the frontal plane: cosine (to lead I) and sine (to aVF).
    public struct Axis: Sendable, Equatable {
        /// To the left.
        public var cosine: Double
        /// To the feet.
        public var sine: Double
    }

    /// Amplitudes of a lead's typical beat.
    public struct LeadValues: Sendable, Equatable {
        /// The largest deflection of P from the line between its ends.
        public var pMillivolts: Double?
        /// The depth of Q, 0 or below; 0 where QRS begins upwards.
        public var qMillivolts: Double?
        /// The height of R, 0 or above.
        public var rMillivolts: Double?
        /// The depth of S, 0 or below.
        public var sMillivolts: Double?
        /// The largest deflection of T.
        public var tMillivolts: Double?
        /// The level 60 ms after the end of QRS.
        public var stJ60Millivolts: Double?
        /// The slope of the line through the first 80 ms after QRS.
        public var stSlopeMillivoltsPerSecond: Double?
        /// The integral of QRS.
        public var qrsAreaMillivoltMilliseconds: Double?
        /// 0 (not usable) to 1: how much of the lead's beats is their common form.
        public var quality: Double
    }

    /// Onset, peak and offset of a wave, in samples of the record (from 0, at its own rate).
    public struct WaveSamples: Sendable, Equatable {
        /// The first sample of the wave.
        public var onset: Int
        /// Its largest deflection.
        public var peak: Int
        /// Its last sample.
        public var offset: Int
    }

    /// One beat.
    public struct Beat: Sendable, Equatable {
        /// Where the beat's QRS is largest, in samples of the record.
        public var rSample: Int
        /// Whether it looks like most beats.
        public var kind: BeatKind
        /// P, where the beat has one.
        public var p: WaveSamples?
        /// QRS.
        public var qrs: WaveSamples?
        /// T, where it stands out.
        public var t: WaveSamples?
    }

    /// Samples a second of the record.
    public var sampleRateHz: Double
    /// Samples of each lead.
    public var sampleCount: Int
    /// The mean quality of the standard leads; missing ones count 0.
    public var quality: Double
    /// What a reader should know.
    public var flags: [Flag]
    /// Samples for which no lead has a signal, where that lasts more than 20 ms: a beat may have been there.
    public var gaps: [Range<Int>] = []
    /// Rate and variability.
    public var rhythm = Rhythm()
    /// Durations.
    public var intervals = Intervals()
    /// Frontal axis of P.
    public var pAxis: Axis?
    /// Frontal axis of QRS.
    public var qrsAxis: Axis?
    /// Frontal axis of T.
    public var tAxis: Axis?
    /// S in V1 plus the higher R of V5 and V6.
    public var sokolowLyonMillivolts: Double?
    /// R in aVL plus S in V3.
    public var cornellMillivolts: Double?
    /// Amplitudes in the standard order of leads.
    public var leads: [LeadValues]
    /// The beats, in order, with the waves of all leads together.
    public var beats: [Beat] = []
    /// The beats with the waves of each lead: one list a lead, in the standard order; empty for a lead that cannot be used.
    public var beatsByLead: [[Beat]] = []
    /// The typical beat.
    public var typicalBeat: TypicalBeat?

    /// The typical beat of each lead at 500 Hz, for drawing.
    public struct TypicalBeat: Sendable, Equatable {
        /// Amplitudes against the level before QRS; empty where a lead cannot be used.
        public var millivolts: [[Float]]
        /// The sample of R.
        public var rSample: Int
        /// The waves of all leads together.
        public var p, qrs, t: WaveSamples?
    }
}

extension ClinicalMeasurements.Axis {
    /// The direction of a vector; `nil` when it has no length to speak of.
    init?(x: Double, y: Double, atLeast least: Double) {
        let length = (x * x + y * y).squareRoot()
        guard length > least else { return nil }
        self.init(cosine: x / length, sine: y / length)
    }

    /// The angle from this direction to another.
    func turn(to other: Self) -> Self {
        Self(
            cosine: cosine * other.cosine + sine * other.sine,
            sine: cosine * other.sine - sine * other.cosine)
    }
}
