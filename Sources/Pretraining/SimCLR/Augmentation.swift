import Configurations
import Kernels

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
        _ view: UnsafeMutableBufferPointer<Float>, from window: UnsafeMutableBufferPointer<Float>,
        random: inout RandomStream, standardise: (UnsafeMutableBufferPointer<Float>) -> Void
    ) {
        guard let target = view.baseAddress, let source = window.baseAddress else { return }
        let (length, samples) = (view.count / leads, window.count / leads)
        stretch(source, samples: samples, random: &random, into: target, length: length)
        standardise(view)
        gain(target, length: length, random: &random)
        wander(target, length: length, random: &random)
        if settings.noise > 0 {
            NormalTable.shared.addNoise(
                deviation: Float(settings.noise), random: &random, to: target, count: view.count)
        }
        timeOut(target, length: length, random: &random)
        maskLeads(target, length: length, random: &random)
    }

    /// A part of the window at a place by lot, stretched by straight lines between samples.
    private func stretch(
        _ source: Floats, samples: Int, random: inout RandomStream, into target: MutableFloats,
        length: Int
    ) {
        let share = settings.smallestCrop + (1 - settings.smallestCrop) * random.nextDouble()
        let span = share * Double(samples - 1)
        let start = (Double(samples - 1) - span) * random.nextDouble()
        for t in 0..<length {
            let place = start + span * Double(t) / Double(max(length - 1, 1))
            let before = min(Int(place), samples - 2)
            let weight = Float(place - Double(before))
            for lead in 0..<leads {
                let pair = source + lead * samples + before
                target[lead * length + t] = pair[0] + weight * (pair[1] - pair[0])
            }
        }
    }

    private func gain(_ view: MutableFloats, length: Int, random: inout RandomStream) {
        let range = ElementaryFunctions.logarithm(settings.largestGain)
        for lead in 0..<leads {
            let factor = ElementaryFunctions.exponential((2 * random.nextDouble() - 1) * range)
            scale(
                view + lead * length, by: Float(factor), into: view + lead * length, count: length)
        }
    }

    /// A sine of 0.05 to 0.5 Hz, as breathing makes it: one frequency and phase, an amplitude for each lead.
    private func wander(_ view: MutableFloats, length: Int, random: inout RandomStream) {
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
        for t in 0..<length {
            for lead in 0..<leads {
                view[lead * length + t].addProduct(amplitudes[lead], Float(sine))
            }
            (sine, cosine) = (
                sine * turnCosine + cosine * turnSine, cosine * turnCosine - sine * turnSine
            )
        }
    }

    private func timeOut(_ view: MutableFloats, length: Int, random: inout RandomStream) {
        let count = Int(random.nextDouble() * settings.largestTimeOut * Double(length))
        let start = random.nextInteger(below: length - count + 1)
        for lead in 0..<leads {
            (view + lead * length + start).update(repeating: 0, count: count)
        }
    }

    /// Blanks leads by lot, but never all of them.
    private func maskLeads(_ view: MutableFloats, length: Int, random: inout RandomStream) {
        let spared = random.nextInteger(below: leads)
        for lead in 0..<leads {
            let isMasked = random.nextDouble() < settings.leadMask
            if isMasked, lead != spared {
                (view + lead * length).update(repeating: 0, count: length)
            }
        }
    }
}
