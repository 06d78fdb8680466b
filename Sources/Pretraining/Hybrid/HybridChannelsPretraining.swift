import ClinicalParameters
import Configurations
import NeuralNetworks
import Runtime

/// The study's layout of the hybrid: ECG-JEPA over 19 rows, eight leads and eleven channels that were made of lead II.
public struct HybridChannelsPretraining: KeepsState, CompletesParameters {
    /// The model, which is ECG-JEPA with more rows.
    public let model: ECGJEPA
    /// The parameters: ECG-JEPA's, and how channels are normalised.
    public let parameters: ParameterList
    let settings: HybridConfiguration
    let input: InputConfiguration
    private let centres: Int
    private let scales: Int

    /// The method with its settings and what a sample is.
    public init(_ settings: HybridConfiguration, input: InputConfiguration) {
        var sizes = ECGJEPASizes(settings.jepa, input: input)
        sizes.leads = IndependentLeads.numbers.count + ChannelSignals.count
        model = ECGJEPA(sizes: sizes)
        var list = model.parameters
        let shape = [ChannelSignals.count]
        centres = list.add("encoder.channel_centres", shape: shape, .zeros, isTrained: false)
        scales = list.add("encoder.channel_scales", shape: shape, .zeros, isTrained: false)
        parameters = list
        self.settings = settings
        self.input = input
    }

    /// As of ECG-JEPA.
    public var metrics: [Metric] { ECGJEPAWorkspace.metrics }

    /// The encoder as it is used downstream; as the method's own the mean token of leads beside that of channels.
    public var embedding: SignalEmbedding? {
        let (sizes, gain) = (model.sizes, settings.jepa.signalGain)
        let encoder = ECGJEPAEncoder(model.encoder, sizes: sizes, needsClinicalFeatures: true) {
            [self] input in
            ChannelSignals.Reader(method: self, reader: ChannelReader(input: input, gain: gain))
        }
        return SignalEmbedding(encoder, input: input).with(.method, dimension: 2 * sizes.width) {
            signals, pass, source, tape in
            let rows = encoder.vectors(signals, .leads, pass, from: source, on: tape)
                .reshaped(columns: sizes.width)
            let leads = IndependentLeads.numbers.count
            func mean(_ part: Range<Int>) -> Value {
                let chosen = TokenRows(part, ofGroups: 1, length: sizes.leads, on: tape)
                return tape.meanOfRows(
                    tape.gatherRows(rows, indices: chosen.indices),
                    length: part.count)
            }
            return tape.joinGroups(mean(0..<leads), mean(leads..<sizes.leads), groups: 1)
                .reshaped(columns: 2 * sizes.width)
        }
    }

    /// As of ECG-JEPA, with more rows.
    public var operationsPerSample: Double {
        ECGJEPACosts(settings.jepa, sizes: model.sizes).operationsPerSample
    }
    /// As of ECG-JEPA, with more rows.
    public var activationsPerSample: Int {
        ECGJEPACosts(settings.jepa, sizes: model.sizes).activationsPerSample
    }

    /// Buffers for one thread.
    public func makeWorkspace() -> any ShardWorkspace {
        let reader = ChannelReader(input: input, gain: settings.jepa.signalGain)
        return ECGJEPAWorkspace(model: model, settings: settings.jepa) { shard, source, tape in
            try patches(of: shard, from: source, with: reader, on: tape)
        }
    }

    /// A shard's windows as leads and normalised channels, cut into patches.
    func patches(
        of shard: Shard, from source: any WindowSource, with reader: ChannelReader, on tape: Tape
    ) throws -> Value {
        guard let statistics = statistics(in: tape.parameters) else {
            throw ClinicalStatisticsError.noStatistics(of: "encoder.channel_scales")
        }
        return try reader.patches(of: shard, from: source, statistics: statistics, on: tape)
    }

    private func statistics(in parameters: Parameters) -> ChannelStatistics? {
        let scales = parameters.tensor(self.scales).floatArray
        guard scales.allSatisfy({ $0 > 0 }) else { return nil }
        return ChannelStatistics(centres: parameters.tensor(centres).floatArray, scales: scales)
    }

    /// Takes the channels' statistics of training windows, unless weights brought theirs.
    public func complete(
        _ parameters: Parameters, from source: any WindowSource, windows: [Int]
    ) throws {
        guard source.clinicalFeatureCount == ClinicalFeatures.count,
            statistics(in: parameters) == nil
        else { return }
        let reader = ChannelReader(input: input, gain: settings.jepa.signalGain)
        let found = try ChannelStatistics(windows: windows) {
            try reader.curves(of: $0, from: source).channels
        }
        parameters.values(of: centres).update(from: found.centres.span)
        parameters.values(of: scales).update(from: found.scales.span)
    }

    /// Moves the teacher towards the encoder, by less and less.
    public func update(_ context: UpdateContext) -> [String: JSONValue] {
        Teacher.follow(
            model.teacherPairs, initialMomentum: settings.jepa.teacherMomentum, context: context)
    }
}

/// Reads windows as eight leads and eleven channels; it owns the buffers for it, so each thread has its own.
final class ChannelReader {
    private let input: InputConfiguration
    private let gain: Float
    private let analyser = ClinicalAnalyser()
    private var window: [Float] = []

    init(input: InputConfiguration, gain: Double) {
        self.input = input
        self.gain = Float(gain)
    }

    /// A window's leads, and its channels before normalisation.
    func curves(
        of number: Int, from source: any WindowSource
    ) throws -> (leads: [[Float]], channels: [[Float]]) {
        let samples = source.samplesPerWindow
        if window.isEmpty { window = Array(repeating: 0, count: input.leads * samples) }
        try window.withNumbers { window in
            try window.withMutableSpan { span in
                try source.readMillivolts(window: number, into: &span)
            }
        }
        let leads = (0..<input.leads).map { Array(window[$0 * samples..<($0 + 1) * samples]) }
        return (
            leads,
            ChannelSignals.curves(leads, sampleRateHz: input.sampleRateHz, analyser: analyser)
        )
    }

    /// A shard's windows, cut into patches; the crop as everywhere, channels made of the whole window.
    ///
    /// - Returns: Shape `[samples * 19 * patches, patchSamples]`.
    func patches(
        of shard: Shard, from source: any WindowSource, statistics: ChannelStatistics,
        on tape: Tape
    ) throws -> Value {
        let (rows, crop) = (
            IndependentLeads.numbers.count + ChannelSignals.count, input.cropSamples
        )
        let patches = tape.input(
            rows: shard.windows.count * rows * input.patchesPerLead, columns: input.patchSamples)
        let signals = patches.reshaped(columns: crop)
        for (index, number) in shard.windows.enumerated() {
            let (leads, channels) = try curves(of: number, from: source)
            let start = shard.cropStart(
                ofSample: index, slack: source.samplesPerWindow - crop)
            let all =
                IndependentLeads.numbers.map { lead in leads[lead].map { $0 * gain } }
                + channels.enumerated().map { statistics.normalise($1, channel: $0) }
            for (row, curve) in all.enumerated() {
                signals.row(index * rows + row).update(
                    from: curve.span.extracting(start..<start + crop))
            }
        }
        return patches
    }
}

extension ChannelSignals {
    /// Reads windows downstream, normalised by what the state holds.
    final class Reader: SignalReader {
        private let method: HybridChannelsPretraining
        private let reader: ChannelReader

        init(method: HybridChannelsPretraining, reader: ChannelReader) {
            self.method = method
            self.reader = reader
        }

        func signals(
            of shard: Shard, from source: any WindowSource, on tape: Tape
        ) throws -> Value {
            try method.patches(of: shard, from: source, with: reader, on: tape)
        }

        /// The middle, wherever the part begins, as of ECG-JEPA.
        func signal(
            of shard: Shard, start: Int, from source: any WindowSource, on tape: Tape
        ) throws -> Value {
            try signals(of: shard, from: source, on: tape)
        }
    }
}
