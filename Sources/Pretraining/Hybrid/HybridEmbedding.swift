import ClinicalParameters
import Configurations
import NeuralNetworks

extension HybridPretraining {
    /// The encoder as it is used downstream, with its clinical tokens: the mean over all tokens; each lead's mean patch
    /// side by side, and behind them the leads' clinical tokens; as the method's own the mean patch beside the mean
    /// clinical token.
    public var embedding: (any SignalEmbedding)? { embedding(columns: 1) }

    /// The encoder as half of pretraining's steps see it, with the clinical column left out: read-outs have their patches
    /// alone.
    public var signalEmbedding: (any SignalEmbedding)? { embedding(columns: 0) }

    private func embedding(columns: Int) -> MiddleEmbedding {
        let sizes = model.sizes
        return MiddleEmbedding(
            input: input, tokens: sizes.tokenPlaces(extraColumns: columns),
            dimensions: { readout in
                switch readout {
                case .mean: sizes.width
                case .leads: (1 + columns) * sizes.leads * sizes.width
                case .own: (1 + columns) * sizes.width
                }
            }
        ) { [model, input, settings] in
            let reader = IndependentLeadReader(input: input, gain: settings.jepa.signalGain)
            return { middle, readout, source, tape in
                let patches = try reader.patches(of: middle, from: source, on: tape)
                let clinical = try ClinicalBatch(
                    of: middle, from: source, statistics: model.statistics, on: tape)
                let found = model.representation(
                    patches, features: columns > 0 ? clinical.inputs(on: tape) : nil, on: tape)
                return switch readout {
                case .mean: found.mean
                case .leads: found.leads
                case .own: found.parts ?? found.mean
                }
            }
        }
    }
}

extension HybridChannelsPretraining {
    /// The encoder as it is used downstream: the mean over all tokens; the mean of each of the eight leads and then of
    /// each of the eleven channels side by side; as the method's own the mean token of leads beside that of channels.
    public var embedding: (any SignalEmbedding)? {
        let sizes = model.sizes
        return MiddleEmbedding(
            input: input, tokens: sizes.tokenPlaces(),
            dimensions: { readout in
                switch readout {
                case .mean: sizes.width
                case .leads: sizes.leads * sizes.width
                case .own: 2 * sizes.width
                }
            }
        ) { [self] in
            let reader = ChannelReader(input: input, gain: settings.jepa.signalGain)
            return { middle, readout, source, tape in
                let patches = try patches(of: middle, from: source, with: reader, on: tape)
                guard readout != .mean else { return model.representation(patches, on: tape) }
                let rows = tape.meanOfRows(
                    model.encode(patches, on: tape), length: sizes.patches)
                guard readout == .own else { return rows.reshaped(columns: rows.count) }
                let leads = IndependentLeads.numbers.count
                func mean(_ part: Range<Int>) -> Value {
                    let chosen = TokenRows(part, ofGroups: 1, length: sizes.leads, on: tape)
                    return tape.meanOfRows(
                        tape.gatherRows(rows, indices: chosen.indices, count: chosen.count),
                        length: part.count)
                }
                return tape.joinGroups(mean(0..<leads), mean(leads..<sizes.leads), groups: 1)
                    .reshaped(columns: 2 * sizes.width)
            }
        }
    }
}
