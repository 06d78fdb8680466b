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
    /// Beats may be moved by 24 ms for the best fit.
    private static let lagLimit = 12
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
            return 1 / max(0.02, Statistics.median(sizes))
        }
        let forms = sorted(places)
        let dominant = forms.indices.max { a, b in
            let (x, y) = (forms[a], forms[b])
            return x.members.count != y.members.count ? x.members.count < y.members.count : a > b
        }
        guard let dominant else { return }
        classify(places, by: mean(of: forms[dominant].members.map { places[$0] }))
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

    private mutating func classify(_ places: [Int], by first: [Float]) {
        var form = first
        var fits = places.map { fit($0, to: form) }
        for _ in 0..<2 {
            let usual = Statistics.median(fits.map(\.likeness).filter { $0 > 0.6 })
            let members = places.indices.filter { fits[$0].likeness >= Self.dominantShare * usual }
            guard !members.isEmpty else { break }
            form = mean(of: members.map { places[$0] + fits[$0].lag })
            fits = places.map { fit($0, to: form) }
        }
        usualLikeness = Statistics.median(fits.map(\.likeness).filter { $0 > 0.6 })
        for (place, fit) in zip(places, fits) {
            let isDominant = fit.likeness >= Self.dominantShare * max(usualLikeness, 0.5)
            beats.append(
                Beat(
                    r: isDominant ? place + fit.lag : place,
                    kind: isDominant ? .dominant : .ectopic, likeness: fit.likeness))
        }
        centreOnPeak(form)
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
    private func fit(_ place: Int, to form: [Float]) -> (lag: Int, likeness: Float) {
        var best = (lag: 0, likeness: Float(-2))
        let width = Self.formBefore + Self.formAfter
        let size = form.reduce(Float(0)) { $0 + $1 * $1 }
        for coarse in stride(from: -Self.lagLimit, through: Self.lagLimit, by: 3) {
            let value = likeness(place + coarse, form, width, size)
            if value > best.likeness { best = (coarse, value) }
        }
        for lag in [best.lag - 2, best.lag - 1, best.lag + 1, best.lag + 2] {
            let value = likeness(place + lag, form, width, size)
            if value > best.likeness { best = (lag, value) }
        }
        return best
    }

    private func likeness(_ place: Int, _ form: [Float], _ width: Int, _ size: Float) -> Float {
        var (product, own): (Float, Float) = (0, 0)
        for (number, lead) in leads.enumerated() {
            let scale = scales[number]
            record.smooth[lead].withUnsafeBufferPointer { signal in
                let start = place - Self.formBefore
                let isInside = start >= 0 && start + width <= signal.count
                for i in 0..<width {
                    let t = isInside ? start + i : max(0, min(signal.count - 1, start + i))
                    let value = scale * signal[t]
                    product += value * form[number * width + i]
                    own += value * value
                }
            }
        }
        let product2 = own * size
        return product2 > 0 ? product / product2.squareRoot() : 0
    }
}
