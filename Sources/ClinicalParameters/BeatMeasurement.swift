import Kernels

/// From aligned beats to numbers.
struct BeatMeasurement {
    let record: ConditionedRecord
    let ensemble: BeatEnsemble
    let typical: MedianBeat
    private let delineator: Delineator
    let common: BeatWaves
    private let byLead: [BeatWaves]
    private let noise: BeatNoise?
    /// Milliseconds of a sample.
    private static let millisecondsPerSample = 1000 / ConditionedRecord.rateHz

    init(_ record: ConditionedRecord, _ ensemble: BeatEnsemble) {
        self.record = record
        self.ensemble = ensemble
        let dominant = ensemble.beats.filter { $0.kind == .dominant }.map(\.r)
        let chosen = dominant.isEmpty ? ensemble.beats.map(\.r) : dominant
        typical = MedianBeat(chosen, in: record, sides: Self.freeSides(ensemble.beats))
        noise = BeatNoise(typical, in: record)
        let distances = Self.distances(ensemble.beats, of: typical, record)
        let delineator = Delineator(
            beat: typical, leads: record.independentLeads, distances: distances, noise: noise,
            pacingSpike: Self.pacingSpike(record, chosen))
        let waves = delineator.commonWaves()
        (self.delineator, common) = (delineator, waves)
        byLead = typical.broad.indices.map { delineator.waves(of: $0, near: waves) }
    }

    /// The complex of a beat of another form and its T wave have gone so many samples behind it: 750 ms.
    private static let ectopicCount = 375

    /// The dominant beats before and behind which no other form is near.
    private static func freeSides(_ beats: [BeatEnsemble.Beat]) -> MedianBeat.Sides {
        guard beats.contains(where: { $0.kind == .ectopic }) else { return .init() }
        var (before, after): (Set<Int>, Set<Int>) = ([], [])
        for (number, beat) in beats.enumerated() where beat.kind == .dominant {
            let previous = number > 0 ? beats[number - 1] : beat
            let next = number + 1 < beats.count ? beats[number + 1] : beat
            if previous.kind == .dominant || beat.r - previous.r > ectopicCount {
                before.insert(beat.r)
            }
            if next.kind == .dominant || next.r - beat.r > MedianBeat.after { after.insert(beat.r) }
        }
        return .init(before: before, after: after)
    }

    /// How far the beats before and behind usually are from those that the typical beat was made of.
    private static func distances(
        _ beats: [BeatEnsemble.Beat], of typical: MedianBeat, _ record: ConditionedRecord
    ) -> Delineator.Distances? {
        let chosen = Set(typical.places)
        let pairs = zip(beats, beats.dropFirst()).filter { !record.gaps.separate($0.r, $1.r) }
        func median(_ isWanted: (Int, Int) -> Bool) -> Double? {
            OrderStatistics.median(
                pairs.filter { isWanted($0.r, $1.r) }.map { Double($1.r - $0.r) })
        }
        guard let all = median({ _, _ in true }) else { return nil }
        guard beats.contains(where: { $0.kind == .ectopic }) else {
            return .init(before: all, after: all)
        }
        let (before, after) = (typical.sides.before ?? chosen, typical.sides.after ?? chosen)
        return .init(
            before: median { before.contains($1) } ?? all,
            after: median { place, _ in after.contains(place) } ?? all)
    }

    /// Where the spike of ventricular pacing lies in the typical beat: within 150 ms before most beats' R.
    private static func pacingSpike(_ record: ConditionedRecord, _ places: [Int]) -> Double? {
        let offsets = places.compactMap { r in
            record.spikes.last { $0 < r - 5 && $0 > r - 75 }
                .map { Double($0 - r + MedianBeat.before) }
        }
        return 2 * offsets.count > places.count ? OrderStatistics.median(offsets) : nil
    }

    func fill(_ result: inout ClinicalMeasurements) {
        let quality = LeadQuality(record, ensemble, typical).values
        let tracker = WaveTracker(record, typical, common, noise)
        let tracked = tracker.track(ensemble)
        result.rhythm = rhythm(tracked)
        var waves = common
        if !hasP(tracked, result.rhythm, usual: tracker.usualP) {
            waves.p = nil
            if result.rhythm.pWaveShare != nil { result.rhythm.pWaveShare = 0 }
        }
        result.intervals = intervals(waves, result.rhythm)
        let amplitudes = LeadAmplitudes(typical, waves, byLead)
        for lead in result.leads.indices {
            result.leads[lead] = amplitudes.values(of: lead, quality: quality[lead])
        }
        result.quality = quality.reduce(0, +) / Double(quality.count)
        fillAxes(&result, amplitudes, waves)
        let rows = result.leads
        result.sokolowLyonMillivolts = rows[6].sMillivolts.flatMap { s in
            [rows[10].rMillivolts, rows[11].rMillivolts].compactMap { $0 }.max().map { $0 - s }
        }
        result.cornellMillivolts = rows[4].rMillivolts.flatMap { r in
            rows[8].sMillivolts.map { r - $0 }
        }
        fillBeats(&result, tracked, hasP: waves.p != nil)
        result.typicalBeat = typicalBeat(waves)
    }

    // MARK: Rhythm and intervals

    private func rhythm(_ tracked: [WaveTracker.Beat]) -> ClinicalMeasurements.Rhythm {
        var rhythm = ClinicalMeasurements.Rhythm()
        let beats = ensemble.beats
        rhythm.beatCount = beats.count
        rhythm.pWaveShare =
            common.qrs == nil
            ? nil : pWaveShare(tracked)
        let all = intervals(of: beats) { _, _ in true }
        guard let median = OrderStatistics.median(all) else { return rhythm }
        let mean = all.reduce(0, +) / Double(all.count)
        let rate = 60_000 / mean
        guard (15...350).contains(rate) else { return rhythm }
        rhythm.rrMeanMilliseconds = mean
        rhythm.heartRatePerMinute = rate
        rhythm.rrMinMaxRatio = (all.min() ?? mean) / (all.max() ?? mean)
        rhythm.rrIrregularShare =
            Double(all.count { abs($0 - median) > 0.2 * median }) / Double(all.count)
        var normal = intervals(of: beats) { $0.kind == .dominant && $1.kind == .dominant }
        if normal.count < 2 { normal = all }
        let normalMean = normal.reduce(0, +) / Double(normal.count)
        if normal.count > 1 {
            let squares = normal.reduce(0) { $0 + ($1 - normalMean) * ($1 - normalMean) }
            rhythm.rrSDMilliseconds = (squares / Double(normal.count - 1)).squareRoot()
        }
        let changes = changes(beats)
        if !changes.isEmpty {
            let squares = changes.reduce(0) { $0 + $1 * $1 }
            rhythm.rmssdMilliseconds = (squares / Double(changes.count)).squareRoot()
        }
        if changes.count >= Self.fewestChanges {
            rhythm.rrChangeShare = OrderStatistics.median(changes.map { abs($0) }).map { $0 / mean }
        }
        return rhythm
    }

    /// The part of the beats that have a P wave, of those before which there is no gap.
    private func pWaveShare(_ tracked: [WaveTracker.Beat]) -> Double {
        let start = Int(common.p?.onset ?? Double(MedianBeat.before)) - MedianBeat.before
        let seen = tracked.filter { !record.gaps.separate(max(0, $0.r + start), $0.r) }
        return Double(seen.count { $0.p != nil }) / Double(max(1, seen.count))
    }

    /// Durations of P and PR that can be believed, in ms.
    private static let (pRange, prRange) = (30.0...200.0, 60.0...450.0)

    /// Whether P is a wave of most dominant beats, and more than what random ripples of the baseline look like.
    ///
    /// In atrial fibrillation the best place in each beat correlates by 0.4 to 0.85 with the mean of the ripples, and the
    /// rhythm is irregular; true P waves reach 0.75 to 1, and in a regular rhythm the same part of what noise leaves.
    private func hasP(
        _ tracked: [WaveTracker.Beat], _ rhythm: ClinicalMeasurements.Rhythm, usual: Float
    ) -> Bool {
        let dominant = tracked.filter { $0.kind == .dominant && $0.pFit > -1 }
        let fits = dominant.map { Double($0.pFit) }
        guard let p = common.p, let qrs = common.qrs, !fits.isEmpty,
            2 * dominant.count(where: { $0.p != nil }) >= dominant.count,
            Self.prRange.contains((qrs.onset - p.onset) * Self.millisecondsPerSample),
            Self.pRange.contains((p.offset - p.onset) * Self.millisecondsPerSample)
        else { return false }
        let mean = fits.reduce(0, +) / Double(fits.count)
        var isIrregular = false
        if let change = rhythm.rmssdMilliseconds, let rr = rhythm.rrMeanMilliseconds {
            isIrregular = change > 0.1 * rr
        }
        return mean > (isIrregular ? 0.75 : 0.62 * Double(usual))
    }

    private func intervals(
        of beats: [BeatEnsemble.Beat],
        where isWanted: (BeatEnsemble.Beat, BeatEnsemble.Beat) -> Bool
    ) -> [Double] {
        zip(beats, beats.dropFirst())
            .filter { isWanted($0, $1) && !record.gaps.separate($0.r, $1.r) }
            .map { Double($1.r - $0.r) * Self.millisecondsPerSample }
    }

    /// Fewer changes do not say what is usual.
    private static let fewestChanges = 3

    /// How intervals change from one to the next, in ms, over runs of three dominant beats; over all beats where there is
    /// no such run.
    private func changes(_ beats: [BeatEnsemble.Beat]) -> [Double] {
        func values(_ isWanted: (BeatEnsemble.Beat) -> Bool) -> [Double] {
            (0..<max(0, beats.count - 2)).filter { i in
                beats[i...i + 2].allSatisfy(isWanted)
                    && !record.gaps.separate(beats[i].r, beats[i + 2].r)
            }.map { i in
                Double(beats[i + 2].r - 2 * beats[i + 1].r + beats[i].r)
                    * Self.millisecondsPerSample
            }
        }
        let dominant = values { $0.kind == .dominant }
        return dominant.isEmpty ? values { _ in true } : dominant
    }

    private func intervals(
        _ waves: BeatWaves, _ rhythm: ClinicalMeasurements.Rhythm
    ) -> ClinicalMeasurements.Intervals {
        var intervals = ClinicalMeasurements.Intervals()
        func span(_ from: Double, _ to: Double) -> Double {
            (to - from) * Self.millisecondsPerSample
        }
        guard let qrs = waves.qrs else { return intervals }
        // Complexes that leave no rest between them, as in fast ventricular tachycardia, run into one another.
        let longestQRS = min(300, 0.95 * (rhythm.rrMeanMilliseconds ?? .infinity))
        intervals.qrsMilliseconds = span(qrs.onset, qrs.offset).within(30...longestQRS)
        if let p = waves.p {
            intervals.pMilliseconds = span(p.onset, p.offset)
            intervals.prMilliseconds = span(p.onset, qrs.onset)
        }
        guard let t = waves.t, let qt = span(qrs.onset, t.offset).within(180...700) else {
            return intervals
        }
        intervals.qtMilliseconds = qt
        intervals.tPeakEndMilliseconds = span(t.peak, t.offset).within(10...250)
        intervals.jtMilliseconds = span(qrs.offset, t.offset).within(80...600)
        guard let rr = rhythm.rrMeanMilliseconds.map({ $0 / 1000 }) else { return intervals }
        intervals.qtcBazettMilliseconds = qt / rr.squareRoot()
        intervals.qtcFridericiaMilliseconds = qt / ElementaryFunctions.power(rr, 1.0 / 3)
        intervals.qtcFraminghamMilliseconds = qt + 154 * (1 - rr)
        intervals.qtcHodgesMilliseconds = qt + 1.75 * (60 / rr - 60)
        return intervals
    }

    // MARK: Axes

    private func fillAxes(
        _ result: inout ClinicalMeasurements, _ amplitudes: LeadAmplitudes, _ waves: BeatWaves
    ) {
        func axis(_ wave: Wave?, atLeast least: Double) -> ClinicalMeasurements.Axis? {
            guard let wave, let i = amplitudes.area(of: 0, wave) else { return nil }
            // aVF itself, or what II or III say of it: each of them is flat for one axis.
            let foot =
                amplitudes.area(of: 5, wave) ?? amplitudes.area(of: 1, wave).map { $0 - i / 2 }
                ?? amplitudes.area(of: 2, wave).map { $0 + i / 2 }
            guard let foot else { return nil }
            return .init(x: i, y: foot * 2 / 3.0.squareRoot(), atLeast: least)
        }
        result.pAxis = axis(waves.p, atLeast: 0.2)
        result.qrsAxis = axis(waves.qrs, atLeast: 1)
        result.tAxis = axis(waves.t, atLeast: 1)
    }

    // MARK: Beats

    private func fillBeats(
        _ result: inout ClinicalMeasurements, _ tracked: [WaveTracker.Beat], hasP: Bool
    ) {
        let scale = record.sourceSamplesPerSample
        let last = result.sampleCount - 1
        func samples(
            _ wave: Wave?, _ shift: Double, of r: Int
        ) -> ClinicalMeasurements.WaveSamples? {
            guard let wave = wave?.moved(by: shift) else { return nil }
            let ends = [Int(wave.onset), Int(wave.offset.rounded(.up)), r]
            guard !record.gaps.separate(ends.min() ?? r, ends.max() ?? r) else { return nil }
            let places = [wave.onset, wave.peak, wave.offset].map {
                Int(($0 * scale).rounded())
            }
            guard places[0] >= 0, places[2] <= last, places[0] <= places[2] else { return nil }
            let peak = min(max(places[1], places[0]), places[2])
            return .init(onset: places[0], peak: peak, offset: places[2])
        }
        func beat(
            _ r: Double, _ one: WaveTracker.Beat, _ waves: BeatWaves
        ) -> ClinicalMeasurements.Beat {
            let start = Double(one.r - MedianBeat.before)
            return .init(
                rSample: max(0, min(last, Int((r * scale).rounded()))), kind: one.kind,
                p: hasP ? one.p.flatMap { samples(waves.p, start + $0, of: one.r) } : nil,
                qrs: samples(waves.qrs, start, of: one.r),
                t: one.t.flatMap { samples(waves.t, start + $0, of: one.r) })
        }
        result.beats = tracked.map { one in
            // The middle of the leads' peaks: a lead with a late S does not move it.
            let peaks = (one.own?.byLead ?? byLead).compactMap { $0.qrs?.peak }
            let place = OrderStatistics.median(peaks).map { Double(one.r - MedianBeat.before) + $0 }
            return beat(place ?? Double(one.r), one, one.own?.common ?? common)
        }
        result.beatsByLead = typical.broad.indices.map { lead in
            guard !typical.broad[lead].isEmpty else { return [] }
            return tracked.map { one in
                let waves = one.own?.byLead[lead] ?? byLead[lead]
                let start = Double(one.r - MedianBeat.before)
                return beat(start + (waves.qrs?.peak ?? Double(MedianBeat.before)), one, waves)
            }
        }
    }

    private func typicalBeat(_ waves: BeatWaves) -> ClinicalMeasurements.TypicalBeat {
        func samples(_ wave: Wave?) -> ClinicalMeasurements.WaveSamples? {
            wave.map {
                .init(
                    onset: Int($0.onset.rounded()), peak: Int($0.peak.rounded()),
                    offset: Int($0.offset.rounded()))
            }
        }
        let levels = typical.smooth.map { lead -> Float in
            guard let qrs = waves.qrs, !lead.isEmpty else { return 0 }
            return Delineator.level(of: lead, before: qrs)
        }
        return .init(
            millivolts: zip(typical.broad, levels).map { lead, level in lead.map { $0 - level } },
            rSample: MedianBeat.before, p: samples(waves.p), qrs: samples(waves.qrs),
            t: samples(waves.t))
    }
}

extension Double {
    /// The number, or `nil` outside a range.
    func within(_ range: ClosedRange<Double>) -> Double? { range.contains(self) ? self : nil }
}
