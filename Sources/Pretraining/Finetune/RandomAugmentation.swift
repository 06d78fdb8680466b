import Configurations
import Kernels

/// Random augmentation of standardised signals, as ST-MEM and ECG-JEPA are fine-tuned with: some different operations of
/// eight for each sample, each applied or not.
///
/// Source: Cubuk et al., "RandAugment", 2020, with the operations of the published ST-MEM code. Amplitudes are shares of the
/// sample's own deviation, so that signals in mV are changed as much as standardised ones.
struct RandomAugmentation: Sendable {
    private enum Operation: Int, CaseIterable {
        case shift, cutOut, drop, flip, erase, sine, partialSine, partialNoise
    }

    private let settings: RandomAugmentationConfiguration
    private let leads: Int
    /// What lengths and amplitudes are at most.
    private let share: Double

    init(_ settings: RandomAugmentationConfiguration, leads: Int) {
        self.settings = settings
        self.leads = leads
        share = 0.3 * settings.level / 10
    }

    /// Changes the samples of a training shard in place.
    ///
    /// - Parameters:
    ///   - signals: Samples one after the other, each lead by lead.
    ///   - count: Numbers of a sample.
    ///   - shard: Whose samples they are; what is drawn depends on their positions in the batch.
    func change(_ signals: MutableFloats, count: Int, of shard: Shard) {
        guard settings.operations > 0 else { return }
        for sample in shard.windows.indices {
            var random = RandomStream(
                seed: shard.seed, purpose: .augmentation, step: shard.step,
                position: UInt32(shard.firstPosition + sample))
            var operations = Operation.allCases
            for place in 0..<settings.operations {
                operations.swapAt(
                    place, place + random.nextInteger(below: operations.count - place))
                guard random.nextDouble() < settings.probability else { continue }
                apply(
                    operations[place], to: signals + sample * count, length: count / leads,
                    random: &random)
            }
        }
    }

    private func apply(
        _ operation: Operation, to signal: MutableFloats, length: Int, random: inout RandomStream
    ) {
        switch operation {
        case .shift: shift(signal, length: length, random: &random)
        case .cutOut:
            let part = part(of: length, random: &random)
            forEachLead(signal, length) {
                ($0 + part.lowerBound).update(repeating: 0, count: part.count)
            }
        case .drop:
            for _ in 0..<Int(random.nextDouble() * share * Double(length)) {
                let time = random.nextInteger(below: length)
                forEachLead(signal, length) { $0[time] = 0 }
            }
        case .flip: scale(signal, by: -1, into: signal, count: leads * length)
        case .erase:
            (signal + random.nextInteger(below: leads) * length).update(
                repeating: 0, count: length)
        case .sine: addSine(to: signal, length: length, part: 0..<length)
        case .partialSine:
            addSine(to: signal, length: length, part: part(of: length, random: &random))
        case .partialNoise:
            let part = part(of: length, random: &random)
            let deviation = amplitude(of: signal, length: length)
            forEachLead(signal, length) { lead in
                for t in part { lead[t].addProduct(deviation, Float(random.nextNormal())) }
            }
        }
    }

    /// Left or right; zeros move in.
    private func shift(_ signal: MutableFloats, length: Int, random: inout RandomStream) {
        let distance = Int(random.nextDouble() * share * Double(length))
        let isLeft = random.nextInteger(below: 2) == 0
        forEachLead(signal, length) { lead in
            if isLeft {
                lead.update(from: lead + distance, count: length - distance)
                (lead + length - distance).update(repeating: 0, count: distance)
            } else {
                (lead + distance).update(from: lead, count: length - distance)
                lead.update(repeating: 0, count: distance)
            }
        }
    }

    /// Two periods over the window, the same in all leads.
    private func addSine(to signal: MutableFloats, length: Int, part: Range<Int>) {
        let amplitude = amplitude(of: signal, length: length)
        for t in part {
            let angle = 4 * Double.pi * Double(t - part.lowerBound) / Double(length)
            let value = amplitude * Float(ElementaryFunctions.sine(angle))
            forEachLead(signal, length) { $0[t] += value }
        }
    }

    private func amplitude(of signal: MutableFloats, length: Int) -> Float {
        let count = leads * length
        let mean = sum(signal, count: count) / Float(count)
        let variance = sumOfSquaredDeviations(signal, from: mean, count: count) / Float(count)
        return Float(share) * variance.squareRoot()
    }

    private func part(of length: Int, random: inout RandomStream) -> Range<Int> {
        let count = Int(random.nextDouble() * share * Double(length))
        let start = random.nextInteger(below: length - count + 1)
        return start..<start + count
    }

    private func forEachLead(
        _ signal: MutableFloats, _ length: Int, _ body: (MutableFloats) -> Void
    ) {
        for lead in 0..<leads { body(signal + lead * length) }
    }
}
