import Configurations
import Electrocardiography
import Kernels
import NeuralNetworks

/// The eight leads from which the other four follow: I, II and V1 to V6.
enum IndependentLeads {
    /// Their numbers among the twelve, in the order of ECG-JEPA.
    static let numbers = [0, 1, 6, 7, 8, 9, 10, 11]
}

/// Reads windows as ECG-JEPA gets them: eight leads in mV times a gain, no filter, no standardisation.
///
/// It owns the buffers for it, so each thread has its own.
final class IndependentLeadReader: SignalReader {
    private let input: InputConfiguration
    private let gain: Float
    private let buffer: WindowBuffer

    init(input: InputConfiguration, gain: Double) {
        self.input = input
        self.gain = Float(gain)
        buffer = WindowBuffer(leads: input.leads)
    }

    /// A shard's windows, cut into patches; where windows are longer than a crop, at random in training and from the
    /// middle otherwise.
    ///
    /// - Returns: Shape `[samples * 8 * patches, patchSamples]`.
    /// - Throws: When a window cannot be read.
    func patches(of shard: Shard, from source: any WindowSource, on tape: Tape) throws -> Value {
        let crop = input.cropSamples
        let leads = IndependentLeads.numbers
        let patches = tape.input(
            rows: shard.windows.count * leads.count * input.patchesPerLead,
            columns: input.patchSamples)
        let signals = patches.reshaped(columns: crop)
        for index in shard.windows.indices {
            let place = shard.cropPlace(
                ofSample: index, length: crop, windowSamples: source.samplesPerWindow,
                crops: input.crops, from: source)
            try buffer.read(place.windows, from: source) { signal in
                let samples = signal.count / input.leads
                for (row, lead) in leads.enumerated() {
                    let first = lead * samples + place.start
                    scale(
                        signal.part(first..<first + crop), by: gain,
                        into: signals.row(index * leads.count + row))
                }
            }
        }
        return patches
    }

    func signals(of shard: Shard, from source: any WindowSource, on tape: Tape) throws -> Value {
        try patches(of: shard, from: source, on: tape)
    }

    /// The middle, wherever the part begins: windows are as long as crops unless the configuration says otherwise.
    func signal(
        of shard: Shard, start: Int, from source: any WindowSource, on tape: Tape
    ) throws -> Value {
        try patches(of: shard, from: source, on: tape)
    }
}
