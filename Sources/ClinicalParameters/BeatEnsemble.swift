/// What kind of beat it is, by the form of its QRS complex.
public enum BeatKind: String, Sendable {
    /// Like most beats of the record.
    case dominant
    /// Of another form.
    case ectopic
}

/// The beats of a record, sorted by form and aligned with each other.
struct BeatEnsemble {
    struct Beat {
        /// The sample that corresponds to the dominant beats' R; for an ectopic beat its own.
        var r: Int
        var kind: BeatKind
        /// Correlation with the dominant form.
        var likeness: Float
    }

    /// The window in which forms are compared, in samples before and after R: 80 and 100 ms.
    private static let (formBefore, formAfter) = (40, 50)
    /// What must be there of a beat to judge its form, in samples before and after R: 60 and 80 ms.
    private static let (coreBefore, coreAfter) = (30, 40)
    /// Beats may be moved by 24 ms for the best fit; those that are cut, of which R may be missing, by 90 ms.
    private static let (lagLimit, cutLagLimit) = (12, 45)
    /// What is left of a cut beat belongs to the dominant form when it correlates at least this much with it.
    private static let cutLikeness: Float = 0.8
    /// Of a cut beat, R and 16 ms on both sides must be there.
    private static let visibleCount = 8
    /// A beat that correlates less with every form seen so far begins a new one.
    private static let joiningLikeness: Float = 0.75
    /// A beat whose correlation is below this part of the usual one is ectopic.
    private static let dominantShare: Float = 0.86

    private(set) var beats: [Beat] = []
    /// How well the dominant beats usually correlate with their mean form.
    private(set) var usualLikeness: Float = 0

    private let record: ConditionedRecord
    private let leads: [Int]
    private var scales: [Float] = []

    private struct Form {
        var values: [Float]
        var members: [Int]
    }

    init(_ places: [Int], in record: ConditionedRecord) {
        self.record = record
        leads = record.independentLeads
        guard !places.isEmpty else { return }
        scales = leads.map { lead in
            let sizes = places.map { r in
                let from = max(0, r - 30), to = min(record.count, r + 31)
                return record.smooth[lead][from..<to].reduce(Float(0)) { max($0, abs($1)) }
            }
            return 1 / max(0.02, OrderStatistics.median(sizes))
        }
        // The forms are those of beats that are there as a whole, if there are any.
        var whole = places.filter { isWhole($0, margin: Self.cutLagLimit) }
        if whole.isEmpty { whole = places }
        let forms = sorted(whole)
        let dominant = forms.indices.max { a, b in
            let (x, y) = (forms[a], forms[b])
            return x.members.count != y.members.count ? x.members.count < y.members.count : a > b
        }
        guard let dominant else { return }
        let form = classify(whole, by: mean(of: forms[dominant].members.map { whole[$0] }))
        addCut(places.filter { !whole.contains($0) }, form)
        centreOnPeak(form)
    }

    /// Whether the record has the beat's complex in some lead, without a gap, and some time more on both sides.
    private func isWhole(_ place: Int, margin: Int = 0) -> Bool {
        let (from, to) = (place - Self.coreBefore - margin, place + Self.coreAfter + margin)
        return from >= 0 && to < record.count && !record.gaps.separate(from, to)
    }

    /// Sorts beats into forms: each joins the form that it correlates best with, or begins its own.
    private func sorted(_ places: [Int]) -> [Form] {
        var forms: [Form] = []
        for (number, place) in places.enumerated() {
            var best = (form: -1, fit: (lag: 0, likeness: Self.joiningLikeness))
            for (index, form) in forms.enumerated() {
                let fit = fit(place, to: form.values)
                if fit.likeness > best.fit.likeness { best = (index, fit) }
            }
            guard best.form >= 0 else {
                forms.append(Form(values: values(place), members: [number]))
                continue
            }
            let weight = 1 / Float(min(8, forms[best.form].members.count + 1))
            for (i, value) in values(place + best.fit.lag).enumerated() {
                forms[best.form].values[i] += weight * (value - forms[best.form].values[i])
            }
            forms[best.form].members.append(number)
        }
        return forms
    }

    private func mean(of places: [Int]) -> [Float] {
        var sum = [Float](
            repeating: 0, count: leads.count * (Self.formBefore + Self.formAfter))
        for place in places {
            for (i, value) in values(place).enumerated() { sum[i] += value }
        }
        return sum.map { $0 / Float(max(1, places.count)) }
    }

    /// Tells dominant beats from ectopic ones.
    ///
    /// - Returns: The mean form of the dominant ones.
    private mutating func classify(_ places: [Int], by first: [Float]) -> [Float] {
        var form = first
        var fits = places.map { fit($0, to: form) }
        for _ in 0..<2 {
            let usual = OrderStatistics.median(fits.map(\.likeness).filter { $0 > 0.6 })
            let members = places.indices.filter { fits[$0].likeness >= Self.dominantShare * usual }
            guard !members.isEmpty else { break }
            form = mean(of: members.map { places[$0] + fits[$0].lag })
            fits = places.map { fit($0, to: form) }
        }
        usualLikeness = OrderStatistics.median(fits.map(\.likeness).filter { $0 > 0.6 })
        for (place, fit) in zip(places, fits) {
            let isDominant = fit.likeness >= Self.dominantShare * max(usualLikeness, 0.5)
            beats.append(
                Beat(
                    r: isDominant ? place + fit.lag : place,
                    kind: isDominant ? .dominant : .ectopic, likeness: fit.likeness))
        }
        return form
    }

    /// Adds beats that an end of the record or a gap cuts.
    ///
    /// What is left of one says where its R is, and little about its form: unless the complex proves to be there as a
    /// whole, it is not called ectopic. One whose R is missing is not counted.
    private mutating func addCut(_ places: [Int], _ form: [Float]) {
        for place in places {
            var fit = fit(place, to: form, lagLimit: Self.cutLagLimit)
            if fit.likeness < Self.cutLikeness { fit.lag = 0 }
            let r = place + fit.lag
            let part = record.gaps.stretch(around: place)
            guard part.lowerBound + Self.visibleCount <= r, r < part.upperBound - Self.visibleCount,
                !beats.contains(where: { abs($0.r - r) < Self.formAfter })
            else { continue }
            let isEctopic =
                isWhole(r) && fit.likeness < Self.dominantShare * max(usualLikeness, 0.5)
            beats.append(
                Beat(r: r, kind: isEctopic ? .ectopic : .dominant, likeness: fit.likeness))
        }
        beats.sort { $0.r < $1.r }
    }

    /// Moves the common reference to where the mean form is farthest from the baseline.
    private mutating func centreOnPeak(_ form: [Float]) {
        let width = Self.formBefore + Self.formAfter
        var best = (offset: 0, size: Float(-1))
        for offset in -15...15 {
            var size: Float = 0
            for lead in leads.indices {
                let value = form[lead * width + Self.formBefore + offset]
                size += value * value
            }
            if size > best.size { best = (offset, size) }
        }
        for i in beats.indices where beats[i].kind == .dominant {
            beats[i].r = max(0, min(record.count - 1, beats[i].r + best.offset))
        }
    }

    /// Scaled samples of all leads around a place; the ends of the record go on as constants.
    private func values(_ place: Int) -> [Float] {
        var result: [Float] = []
        result.reserveCapacity(leads.count * (Self.formBefore + Self.formAfter))
        for (number, lead) in leads.enumerated() {
            let signal = record.smooth[lead]
            for t in place - Self.formBefore..<place + Self.formAfter {
                result.append(scales[number] * signal[max(0, min(record.count - 1, t))])
            }
        }
        return result
    }

    /// The lag with the best correlation to a form.
    private func fit(
        _ place: Int, to form: [Float], lagLimit: Int = lagLimit
    ) -> (lag: Int, likeness: Float) {
        var best = (lag: 0, likeness: Float(-2))
        let rows = rows(around: place, lagLimit)
        func consider(_ lag: Int) {
            let value = likeness(place + lag, form, rows)
            if value > best.likeness { best = (lag, value) }
        }
        for coarse in stride(from: -lagLimit, through: lagLimit, by: 3) {
            consider(coarse)
        }
        for lag in [-2, -1, 1, 2].map({ best.lag + $0 }) { consider(lag) }
        return best
    }

    /// The leads that have a signal around a place, by their numbers, and the part of it that is compared.
    private func rows(around place: Int, _ lagLimit: Int) -> (numbers: [Int], part: Range<Int>) {
        let part = record.gaps.stretch(around: place)
        let from = max(part.lowerBound, place - Self.formBefore - lagLimit)
        let to = min(part.upperBound, place + Self.formAfter + lagLimit)
        let numbers = leads.indices.filter { number in
            !record.gaps.byLead[leads[number]].contains {
                $0.lowerBound < to && $0.upperBound > from
            }
        }
        return (numbers.isEmpty ? Array(leads.indices) : numbers, part)
    }

    private func likeness(
        _ place: Int, _ form: [Float], _ rows: (numbers: [Int], part: Range<Int>)
    ) -> Float {
        let width = Self.formBefore + Self.formAfter
        let start = place - Self.formBefore
        let (first, last) = (
            max(0, rows.part.lowerBound - start), min(width, rows.part.upperBound - start)
        )
        // Of less than 60 ms any correlation may come by chance.
        guard last - first >= 30 else { return -2 }
        var (product, own, other): (Float, Float, Float) = (0, 0, 0)
        for number in rows.numbers {
            let scale = scales[number]
            var (xy, xx, yy, x, y): (Float, Float, Float, Float, Float) = (0, 0, 0, 0, 0)
            record.smooth[leads[number]].withUnsafeBufferPointer { signal in
                form.withUnsafeBufferPointer { form in
                    for i in first..<last {
                        let value = scale * signal[start + i]
                        let expected = form[number * width + i]
                        xy += value * expected
                        xx += value * value
                        yy += expected * expected
                        x += value
                        y += expected
                    }
                }
            }
            // Without the means: the filters leave the baseline beside an end of the record or a gap off its place.
            let count = Float(last - first)
            product += xy - x * y / count
            own += xx - x * x / count
            other += yy - y * y / count
        }
        let size = own * other
        return size > 0 ? product / size.squareRoot() : 0
    }
}
