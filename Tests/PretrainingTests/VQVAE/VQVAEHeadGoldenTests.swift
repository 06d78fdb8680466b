import Kernels
import NeuralNetworks
import TestSupport
import Testing

@testable import Pretraining

/// The study's head, whatever sizes the golden files have.
@Suite struct VQVAEHeadGoldenTests {
    @Test(arguments: GoldenCase.all("quant_vqvae_head"))
    func lossesAndGradientsAgree(golden: GoldenCase) {
        let model = GoldenHead(golden)
        let tape = Tape(parameters: model.parameters)
        defer { withExtendedLifetime(tape) {} }
        tape.reset()
        let (feature, codebook) = (
            tape.parameter(model.feature), tape.parameter(model.codebook)
        )
        let latent = model.head.latent(of: feature, on: tape)
        #expect(relativeError(latent.array, golden("latent")) < 1e-5)

        let chosen = tape.numbers(latent.rows, of: Int32.self)
        CodeLookup.euclidean.nearest(to: latent, among: codebook, into: chosen)
        #expect(chosen.map { Int($0) } == golden("index").integers)

        let quantised = tape.quantised(
            latent, codebook: codebook, chosen: chosen, rotates: false)
        let (vqLoss, _) = tape.codeLoss(
            latent, codebook: codebook, chosen: chosen,
            commitment: Float(golden.number("beta")), codes: 1)
        let rebuilt = model.head.decode(quantised, dropout: nil, on: tape)
        let (loss, reconstruction) = tape.meanSquaredError(
            rebuilt, target: tape.matrix(golden("target").floats, columns: rebuilt.columns),
            over: 1)
        let expected = (golden("recon_loss").doubles[0], golden("vq_loss").doubles[0])
        #expect(abs(reconstruction - expected.0) < 1e-5 * expected.0)
        #expect(abs(Double(vqLoss[0, 0]) - expected.1) < 1e-5 * expected.1)

        tape.backward(
            from: tape.total(loss, vqLoss, weight: 1), gradient: { $0[0] = 1 }, into: model)
        let names = golden.names.filter { $0.hasPrefix("grad.") }
        #expect(!names.isEmpty)
        for name in names {
            let gradient = model.gradients[String(name.dropFirst("grad.".count))] ?? []
            #expect(relativeError(gradient, golden(name)) < 1e-4, "\(name)")
        }
    }
}

/// A head of a golden file's sizes; the feature and the codebook are parameters, so that their gradients show.
private final class GoldenHead: GradientSink {
    let head: VQVAEHead
    let feature: Int
    let codebook: Int
    let parameters: Parameters
    private(set) var gradients: [String: [Float]] = [:]

    init(_ golden: GoldenCase) {
        var list = ParameterList()
        let width = golden.integer("width")
        head = VQVAEHead(
            width: width, latent: golden.integer("latent"), hidden: width,
            outputs: golden.integer("out"), in: &list)
        feature = list.add("feature", shape: golden("feature").shape, .zeros)
        codebook = list.add("vq.codebook", shape: golden("param.vq.codebook").shape, .zeros)
        parameters = Parameters(list, seed: 0)
        for (index, specification) in parameters.specifications.enumerated() {
            let name = specification.name == "feature" ? "feature" : "param.\(specification.name)"
            _ = parameters.tensor(index).floats.update(from: golden(name).floats)
        }
    }

    func receive(gradient: Numbers<Float>, of parameter: Int) {
        gradients[parameters[parameter].name] = Array(gradient)
    }
}
