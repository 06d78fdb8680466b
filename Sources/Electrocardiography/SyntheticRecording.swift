import Kernels

/// Draws what twelve leads see of a heart: dipole, electrodes, noise of body and mains.
struct SyntheticRecording {
    static let sampleRateHz = 500.0
    static let sampleCount = 5000
    /// Right arm, left arm, left foot, V1 to V6.
    private static let electrodeCount = 9

    /// What the electrodes see of x, y and z: Dower's matrix for I, II and V1 to V6.
    ///
    /// Source: Dower, Machado, Osborne, "On deriving the electrocardiogram from vectorcardiographic leads", 1980.
    private static let leadVectors: [SIMD3<Double>] = [
        SIMD3(0.632, -0.235, 0.059), SIMD3(0.235, 1.066, -0.132), SIMD3(-0.515, 0.157, -0.917),
        SIMD3(0.044, 0.164, -1.387), SIMD3(0.882, 0.098, -1.277), SIMD3(1.213, 0.127, -0.601),
        SIMD3(1.125, 0.127, -0.086), SIMD3(0.831, 0.076, 0.230),
    ]

    private var dipole = [SIMD3<Double>](repeating: SIMD3(), count: sampleCount)

    /// Adds the waves of all beats.
    mutating func add(_ beats: SyntheticBeats, of heart: SyntheticHeart) {
        for start in beats.atrial {
            for wave in heart.atrial { add(wave, at: start, strength: 1) }
        }
        for (number, beat) in beats.ventricular.enumerated() {
            // Breathing moves the heart a little from beat to beat.
            let strength = 1 + 0.04 * ElementaryFunctions.sine(1.7 * Double(number))
            guard !beat.isEctopic else {
                addEctopic(beat, of: heart)
                continue
            }
            for wave in heart.ventricular { add(wave, at: beat.seconds, strength: strength) }
            add(heart.plateau, at: beat.seconds, strength: 1)
            var recovery = heart.recovery
            let pace = beat.interval < 0.35 ? 0.35 : beat.interval > 1.4 ? 1.4 : beat.interval
            recovery.centre *= heart.recoveryStretch * (0.45 + 0.55 * pace.squareRoot())
            add(recovery, at: beat.seconds, strength: 1)
        }
    }

    /// A beat that begins in a ventricle: wide, large, with T the other way.
    private mutating func addEctopic(_ beat: SyntheticBeats.Ventricular, of heart: SyntheticHeart) {
        let force = SIMD3(-heart.mainVector.x, 0.9 * heart.mainVector.y, -0.8)
        add(
            DipoleWave(0, 0.03, 1.1 * force.x, 1.1 * force.y, force.z), at: beat.seconds,
            strength: 1)
        add(
            DipoleWave(0.06, 0.028, 0.4 * force.x, 0.5 * force.y, -0.3 * force.z),
            at: beat.seconds, strength: 1)
        add(
            DipoleWave(0.3, 0.06, -0.4 * force.x, -0.4 * force.y, -0.4 * force.z),
            at: beat.seconds, strength: 1)
    }

    private mutating func add(_ wave: DipoleWave, at seconds: Double, strength: Double) {
        let rate = Self.sampleRateHz
        let centre = seconds + wave.centre
        let first = max(0, Int(((centre - 4.5 * wave.rise) * rate).rounded(.up)))
        let last = min(
            Self.sampleCount - 1, Int(((centre + 4.5 * wave.fall) * rate).rounded(.down)))
        guard first <= last else { return }
        for t in first...last {
            let distance = Double(t) / rate - centre
            let u = distance / (distance < 0 ? wave.rise : wave.fall)
            dipole[t] += wave.vector * (strength * ElementaryFunctions.exponential(-0.5 * u * u))
        }
    }

    /// Adds the waves of fibrillating atria, strongest towards V1.
    mutating func addFibrillation(_ random: inout RandomStream) {
        let strength = 0.04 + 0.05 * random.nextDouble()
        for _ in 0..<4 {
            var wave = Oscillator(
                hertz: 4.5 + 4 * random.nextDouble(), phase: random.nextDouble())
            var swell = Oscillator(
                hertz: 0.2 + 0.5 * random.nextDouble(), phase: random.nextDouble())
            for t in dipole.indices {
                let value = strength * 0.5 * (1 + 0.6 * swell.next()) * wave.next()
                dipole[t] += SIMD3(-0.3, 0.55, -0.75) * value
            }
        }
    }

    /// The leads in microvolts, rounded, in the order of the standard.
    ///
    /// Noise is drawn at the electrodes, so III = II - I and its like hold for it too.
    func leads(_ random: inout RandomStream) -> [[Int16]] {
        var electrodes: [[Double]] = []
        let wander = 0.01 + 0.07 * random.nextDouble() * random.nextDouble()
        let mains = 0.008 * random.nextDouble() * random.nextDouble()
        let muscle = 0.004 + 0.012 * random.nextDouble() * random.nextDouble()
        let breath = 0.18 + 0.15 * random.nextDouble()
        for _ in 0..<Self.electrodeCount {
            electrodes.append(
                noise(wander: wander, mains: mains, muscle: muscle, breath: breath, &random))
        }
        let (right, left, foot) = (electrodes[0], electrodes[1], electrodes[2])
        var leads = [[Int16]](
            repeating: [Int16](repeating: 0, count: Self.sampleCount), count: Lead.allCases.count)
        for t in 0..<Self.sampleCount {
            let seen = Self.leadVectors.map { ($0 * dipole[t]).sum() }
            let i = seen[0] + left[t] - right[t]
            let ii = seen[1] + foot[t] - right[t]
            var values = [i, ii, ii - i, -(i + ii) / 2, i - ii / 2, ii - i / 2]
            let centre = (right[t] + left[t] + foot[t]) / 3
            for chest in 0..<6 {
                values.append(seen[2 + chest] + electrodes[3 + chest][t] - centre)
            }
            for (lead, value) in values.enumerated() {
                let microvolts = (value * 1000).rounded(.toNearestOrEven)
                leads[lead][t] = Int16(
                    microvolts < -32000 ? -32000 : microvolts > 32000 ? 32000 : microvolts)
            }
        }
        return leads
    }

    /// Drift, mains and muscle noise of one electrode, in mV.
    private func noise(
        wander: Double, mains: Double, muscle: Double, breath: Double, _ random: inout RandomStream
    ) -> [Double] {
        var values = [Double](repeating: 0, count: Self.sampleCount)
        let parts = [(0.06 + 0.06 * random.nextDouble(), 1.2), (breath, 1.0), (2 * breath, 0.3)]
        for (hertz, weight) in parts {
            var drift = Oscillator(hertz: hertz, phase: random.nextDouble())
            let strength = wander * weight * (0.4 + random.nextDouble())
            for t in values.indices { values[t] += strength * drift.next() }
        }
        var hum = Oscillator(hertz: 50, phase: random.nextDouble())
        let strength = mains * (0.3 + random.nextDouble())
        var coloured = 0.0
        for t in values.indices {
            // Four uniform numbers come close enough to a normal one (deviation 0.577).
            let sum =
                random.nextUniform() + random.nextUniform() + random.nextUniform()
                + random.nextUniform()
            coloured = 0.45 * coloured + Double(sum - 2) * 1.73
            values[t] += strength * hum.next() + muscle * coloured
        }
        return values
    }
}

/// A sine by rotation: the same bits everywhere, without a function call a sample.
private struct Oscillator {
    private var cosine: Double
    private var sine: Double
    private let step: (cosine: Double, sine: Double)

    /// `phase` is a part of a turn.
    init(hertz: Double, phase: Double) {
        let angle = 2 * Double.pi * hertz / SyntheticRecording.sampleRateHz
        step = (ElementaryFunctions.cosine(angle), ElementaryFunctions.sine(angle))
        cosine = ElementaryFunctions.cosine(2 * .pi * phase)
        sine = ElementaryFunctions.sine(2 * .pi * phase)
    }

    mutating func next() -> Double {
        let value = sine
        (cosine, sine) = (
            cosine * step.cosine - sine * step.sine, sine * step.cosine + cosine * step.sine
        )
        return value
    }
}
