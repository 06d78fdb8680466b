import Configurations
import Kernels
import NeuralNetworks

/// Makes views of a record that differ as two recordings of the same heart might.
struct Augmentation {
    private let settings: AugmentationConfiguration
    private let leads: Int
    private let sampleRateHz: Double

    init(_ settings: AugmentationConfiguration, leads: Int, sampleRateHz: Double) {
        self.settings = settings
        self.leads = leads
        self.sampleRateHz = sampleRateHz
    }

    /// Makes a view: a part of the window is stretched to the view's length and standardised; then gain, baseline
    /// wander and noise change it, a stretch of time is blanked, and leads are.
    ///
    /// - Parameters:
    ///   - view: Shape `[leads, length]`, gets the view.
    ///   - window: Shape `[leads, samples]`, filtered.
    ///   - random: The view's own stream.
    ///   - standardise: Takes out mean and deviation.
    func make(
        _ view: Value, from window: Numbers<Float>, random: inout RandomStream,
        standardise: (Numbers<Float>) -> Void
    ) {
        precondition(view.rows == leads, "\(view.rows) rows for \(leads) leads")
        stretch(window, random: &random, into: view)
        standardise(view.numbers)
        gain(view, random: &random)
        wander(view, random: &random)
        if settings.noise > 0 {
            NormalTable.shared.addNoise(
                deviation: Float(settings.noise), random: &random, to: view.numbers)
        }
        timeOut(view, random: &random)
        maskLeads(view, random: &random)
    }

    /// A part of the window at a place by lot, stretched by straight lines between samples.
    private func stretch(
        _ source: Numbers<Float>, random: inout RandomStream, into target: Value
    ) {
        let (samples, length) = (source.count / leads, target.columns)
        let share = settings.smallestCrop + (1 - settings.smallestCrop) * random.nextDouble()
        let span = share * Double(samples - 1)
        let start = (Double(samples - 1) - span) * random.nextDouble()
        for t in 0..<length {
            let place = start + span * Double(t) / Double(max(length - 1, 1))
            let before = min(Int(place), samples - 2)
            let weight = Float(place - Double(before))
            for lead in 0..<leads {
                let place = lead * samples + before
                let (left, right) = (source[place], source[place + 1])
                target[lead, t] = left + weight * (right - left)
            }
        }
    }

    private func gain(_ view: Value, random: inout RandomStream) {
        let range = ElementaryFunctions.logarithm(settings.largestGain)
        for lead in 0..<leads {
            let factor = ElementaryFunctions.exponential((2 * random.nextDouble() - 1) * range)
            scale(view.row(lead), by: Float(factor), into: view.row(lead))
        }
    }

    /// A sine of 0.05 to 0.5 Hz, as breathing makes it: one frequency and phase, an amplitude for each lead.
    private func wander(_ view: Value, random: inout RandomStream) {
        let hertz = 0.05 + 0.45 * random.nextDouble()
        let phase = 2 * Double.pi * random.nextDouble()
        let angle = 2 * Double.pi * hertz / sampleRateHz
        let amplitudes = (0..<leads).map { _ in
            Float((2 * random.nextDouble() - 1) * settings.baselineWander)
        }
        guard settings.baselineWander > 0 else { return }
        // The sine is turned on by an angle from sample to sample, in double.
        var (sine, cosine) = (
            ElementaryFunctions.sine(phase), ElementaryFunctions.cosine(phase)
        )
        let (turnSine, turnCosine) = (
            ElementaryFunctions.sine(angle), ElementaryFunctions.cosine(angle)
        )
        for t in 0..<view.columns {
            for lead in 0..<leads {
                view[lead, t].addProduct(amplitudes[lead], Float(sine))
            }
            (sine, cosine) = (
                sine * turnCosine + cosine * turnSine, cosine * turnCosine - sine * turnSine
            )
        }
    }

    private func timeOut(_ view: Value, random: inout RandomStream) {
        let count = Int(random.nextDouble() * settings.largestTimeOut * Double(view.columns))
        let start = random.nextInteger(below: view.columns - count + 1)
        for lead in 0..<leads {
            view.row(lead).part(start..<start + count).update(repeating: 0)
        }
    }

    /// Blanks leads by lot, but never all of them.
    private func maskLeads(_ view: Value, random: inout RandomStream) {
        let spared = random.nextInteger(below: leads)
        for lead in 0..<leads {
            let isMasked = random.nextDouble() < settings.leadMask
            if isMasked, lead != spared {
                view.row(lead).update(repeating: 0)
            }
        }
    }
}
