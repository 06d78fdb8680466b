import Drawing
import Kernels
import NeuralNetworks

/// What a model makes of a record of which it sees a quarter.
public struct SignalReconstruction: Sendable {
    /// Leads of the record.
    public let leads: Int
    /// Samples of a patch.
    public let patchSamples: Int
    /// The record as the model gets it, shape `[leads, samples]`.
    public let signal: [Float]
    /// What the decoder says for every patch, shape `[leads, samples]`.
    ///
    /// Where the model is trained on standardised patches, each is given back the mean and deviation of the original
    /// patch: the decoder predicts shapes.
    public let prediction: [Float]
    /// Which patches the encoder saw, shape `[leads, patches]`.
    public let isSeen: [Bool]
    /// The pretraining loss of this record under this mask.
    public let loss: Double
}

extension STMEMPretraining {
    /// Rebuilds one window.
    ///
    /// - Parameters:
    ///   - window: Its number.
    ///   - source: Where it comes from.
    ///   - parameters: A trained model's.
    ///   - seed: Decides the mask.
    /// - Returns: The record and its reconstruction.
    /// - Throws: When the window cannot be read.
    public func reconstruct(
        window: Int, from source: any WindowSource, parameters: Parameters, seed: UInt64
    ) throws -> SignalReconstruction {
        let tape = Tape(parameters: parameters)
        defer { withExtendedLifetime(tape) {} }
        tape.reset(recordsGradients: false)
        let shard = Shard(
            seed: seed, step: 0, firstPosition: 0, windows: [window], role: .validation)
        let workspace = STMEMWorkspace(model: model, input: input)
        let (patches, choice) = try workspace.prepare(shard, from: source, on: tape)
        let (_, loss) = model.loss(patches, choice: choice, on: tape)
        let latent = model.encoder.normalise(
            model.encoder.encode(patches, choice: choice, on: tape), on: tape)
        let predicted = model.decode(
            latent, choice: choice, prediction: .allPatches, on: tape)
        var prediction = predicted.array
        let width = model.sizes.patchSamples
        if model.sizes.normalisesPatches {
            for patch in 0..<patches.rows {
                let original = patches.row(patch)
                let mean = sum(original) / Float(width)
                let squares = sumOfSquaredDeviations(original, from: mean)
                let deviation = (squares / Float(width - 1) + 1e-6).squareRoot()
                for i in patch * width..<(patch + 1) * width {
                    prediction[i] = mean + deviation * prediction[i]
                }
            }
        }
        var isSeen = Array(repeating: false, count: patches.rows)
        for lead in 0..<choice.leads {
            for rank in 0..<choice.kept {
                let patch = Int(choice.order[lead * choice.patches + rank])
                isSeen[lead * choice.patches + patch] = true
            }
        }
        return SignalReconstruction(
            leads: choice.leads, patchSamples: width,
            signal: patches.array,
            prediction: prediction, isSeen: isSeen, loss: loss)
    }
}

extension SignalReconstruction {
    /// A drawing: each lead with its original in grey and, where patches were hidden, the reconstruction in red; what the
    /// encoder saw stands on white, what was hidden on a tint.
    ///
    /// - Parameters:
    ///   - title: The line above.
    ///   - leadNames: One a lead.
    /// - Returns: A whole SVG file.
    public func svg(title: String, leadNames: [String]) -> String {
        let (left, top, width, rowHeight) = (52.0, 46.0, 1100.0, 74.0)
        let samples = signal.count / leads
        let patches = samples / patchSamples
        let patchWidth = width / Double(patches)
        let height = top + rowHeight * Double(leads) + 34
        var content = [
            SVGElement("rect", ["width": "100%", "height": "100%", "fill": Palette.paper.light]),
            SVGElement(
                "text", ["x": 12, "y": 26, "font-size": 16, "fill": Palette.heading], says: title),
        ]
        for lead in 0..<leads {
            let middle = top + rowHeight * (Double(lead) + 0.5)
            let name = lead < leadNames.count ? leadNames[lead] : "\(lead + 1)"
            content.append(
                SVGElement(
                    "text", ["x": 12, "y": middle + 4, "fill": Palette.heading], says: name))
            let hidden = (0..<patches).filter { !isSeen[lead * patches + $0] }
            content += hidden.map { patch in
                SVGElement(
                    "rect",
                    [
                        "x": left + Double(patch) * patchWidth, "y": middle - rowHeight / 2 + 1,
                        "width": patchWidth, "height": rowHeight - 2, "fill": Palette.hidden,
                    ])
            }
            // Both curves fit: what a model makes of a patch may be taller than the record.
            let shown =
                signal[lead * samples..<(lead + 1) * samples]
                + hidden.flatMap { patch in
                    let start = lead * samples + patch * patchSamples
                    return prediction[start..<start + patchSamples]
                }
            let largest = Double(shown.map(abs).max() ?? 0)
            let scale = min(14, largest > 0 ? rowHeight * 0.46 / largest : 1)
            func curve(_ values: [Float], _ range: Range<Int>, _ colour: String) -> SVGElement {
                let points = range.map { i in
                    let x = left + width * Double(i) / Double(samples)
                    let y = middle - scale * Double(values[lead * samples + i])
                    return "\(svgNumber(x, decimals: 1)),\(svgNumber(y, decimals: 1))"
                }
                return SVGElement(
                    "polyline",
                    [
                        "fill": "none", "stroke": colour, "stroke-width": 1.1,
                        "points": points.joined(separator: " "),
                    ])
            }
            content.append(curve(signal, 0..<samples, Palette.given))
            content += hidden.map { patch in
                curve(
                    prediction, patch * patchSamples..<(patch + 1) * patchSamples, Palette.rebuilt)
            }
        }
        content.append(
            SVGElement(
                "text", ["x": left, "y": height - 12, "fill": Palette.explanation],
                says: "grey: the record as the model gets it; tinted: hidden from the encoder; "
                    + "red: what the decoder makes of it"))
        return SVGElement.file(
            width: left + width + 16, height: height,
            attributes: ["font-family": "sans-serif", "font-size": 13], content)
    }
}
