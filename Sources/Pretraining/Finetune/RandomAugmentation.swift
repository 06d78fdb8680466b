import Configurations
import Kernels
import NeuralNetworks

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
    ///   - signals: Samples one after the other, each lead by lead, as many numbers each.
    ///   - shard: Whose samples they are; what is drawn depends on their positions in the batch.
    func change(_ signals: Value, of shard: Shard) {
        guard settings.operations > 0 else { return }
        let samples = signals.reshaped(
            columns: signals.count / (leads * max(shard.windows.count, 1)))
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
                    operations[place], to: samples.rows(sample * leads..<(sample + 1) * leads),
                    random: &random)
            }
        }
    }

    private func apply(
        _ operation: Operation, to signal: Value, random: inout RandomStream
    ) {
        let length = signal.columns
        switch operation {
        case .shift: shift(signal, random: &random)
        case .cutOut:
            let part = part(of: length, random: &random)
            for lead in 0..<leads { signal.row(lead).part(part).update(repeating: 0) }
        case .drop:
            for _ in 0..<Int(random.nextDouble() * share * Double(length)) {
                let time = random.nextInteger(below: length)
                for lead in 0..<leads { signal[lead, time] = 0 }
            }
        case .flip: scale(signal.numbers, by: -1, into: signal.numbers)
        case .erase:
            signal.row(random.nextInteger(below: leads)).update(repeating: 0)
        case .sine: addSine(to: signal, part: 0..<length)
        case .partialSine:
            addSine(to: signal, part: part(of: length, random: &random))
        case .partialNoise:
            let part = part(of: length, random: &random)
            let deviation = amplitude(of: signal)
            for lead in 0..<leads {
                for t in part { signal[lead, t].addProduct(deviation, Float(random.nextNormal())) }
            }
        }
    }

    /// Left or right; zeros move in.
    private func shift(_ signal: Value, random: inout RandomStream) {
        let length = signal.columns
        let distance = Int(random.nextDouble() * share * Double(length))
        let isLeft = random.nextInteger(below: 2) == 0
        for lead in 0..<leads {
            let row = signal.row(lead)
            if isLeft {
                row.part(0..<length - distance).update(from: row.part(distance..<length))
                row.part(length - distance..<length).update(repeating: 0)
            } else {
                row.part(distance..<length).update(from: row.part(0..<length - distance))
                row.part(0..<distance).update(repeating: 0)
            }
        }
    }

    /// Two periods over the window, the same in all leads.
    private func addSine(to signal: Value, part: Range<Int>) {
        let (amplitude, length) = (amplitude(of: signal), signal.columns)
        for t in part {
            let angle = 4 * Double.pi * Double(t - part.lowerBound) / Double(length)
            let value = amplitude * Float(ElementaryFunctions.sine(angle))
            for lead in 0..<leads { signal[lead, t] += value }
        }
    }

    private func amplitude(of signal: Value) -> Float {
        let numbers = signal.numbers
        let mean = sum(numbers) / Float(numbers.count)
        let variance = sumOfSquaredDeviations(numbers, from: mean) / Float(numbers.count)
        return Float(share) * variance.squareRoot()
    }

    private func part(of length: Int, random: inout RandomStream) -> Range<Int> {
        let count = Int(random.nextDouble() * share * Double(length))
        let start = random.nextInteger(below: length - count + 1)
        return start..<start + count
    }
}
