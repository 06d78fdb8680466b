import Kernels
import LinearAlgebra
import NeuralNetworks

extension Tape {
    /// InfoNCE of contrastive predictive coding: the prediction made at time t for t + k against the latent that
    /// came and latents that did not.
    ///
    /// Source: van den Oord, Li and Vinyals, "Representation learning with contrastive predictive coding", 2018,
    /// equation 4.
    ///
    /// - Parameters:
    ///   - predictions: Shape `[samples * time, horizons * width]`: for each time those for 1, 2, … steps ahead.
    ///   - latents: Shape `[samples * time, width]`.
    ///   - time: Time steps of a sample.
    ///   - negatives: Row numbers of latents, shape `[horizons, samples, time, count]`; those for times without a
    ///     latent so far ahead are not read.
    ///   - count: Negatives of a prediction.
    /// - Returns: The mean over samples, times and horizons; a latent counts as found where it fits the prediction
    ///   better than every negative.
    public func infoNCE(
        predictions: Value, latents: Value, time: Int, negatives: UnsafePointer<Int32>, count: Int
    ) -> ContrastiveLoss {
        let width = latents.columns
        let horizons = predictions.columns / width
        precondition(
            predictions.rows == latents.rows && predictions.columns == horizons * width
                && horizons < time, "\(horizons) horizons within \(time) time steps")
        let samples = latents.rows / time
        let dPredictions = arena.floats(predictions.count)
        let dLatents = arena.floats(latents.count)
        let wantsGradient = predictions.wantsGradient || latents.wantsGradient
        if wantsGradient {
            dPredictions.update(repeating: 0, count: predictions.count)
            dLatents.update(repeating: 0, count: latents.count)
        }
        let scores = arena.floats(count + 1)
        let logarithm = arena.bytes(8).assumingMemoryBound(to: Double.self)
        let terms = (1...horizons).reduce(0) { $0 + samples * (time - $1) }
        var (total, found) = (0.0, 0)
        for k in 0..<horizons {
            for sample in 0..<samples {
                for t in 0..<(time - k - 1) {
                    let place = sample * time + t
                    let start = place * predictions.columns + k * width
                    let positive = place + k + 1
                    let others = negatives + ((k * samples + sample) * time + t) * count
                    let prediction = predictions.data + start
                    scores[0] = dot(prediction, latents.data + positive * width, count: width)
                    for i in 0..<count {
                        scores[i + 1] = dot(
                            prediction, latents.data + Int(others[i]) * width, count: width)
                    }
                    total -= Double(scores[0])
                    if count == 0 || maximum(scores + 1, count: count) < scores[0] { found += 1 }
                    softmaxRows(
                        scores, scale: 1, rows: 1, columns: count + 1, logarithms: logarithm)
                    total += logarithm[0]
                    guard wantsGradient else { continue }
                    scores[0] -= 1
                    for i in 0...count {
                        let latent = (i == 0 ? positive : Int(others[i - 1])) * width
                        let factor = scores[i] / Float(terms)
                        addProduct(
                            latents.data + latent, factor, into: dPredictions + start,
                            count: width)
                        addProduct(prediction, factor, into: dLatents + latent, count: width)
                    }
                }
            }
        }
        let loss = total / Double(terms)
        return ContrastiveLoss(
            value: self.loss(loss, (predictions, dPredictions), (latents, dLatents)), loss: loss,
            retrievalAccuracy: Double(found) / Double(terms), chance: 1 / Double(count + 1))
    }

    /// The same with the other samples of the batch as negatives, at one start time: each latent looks for the
    /// prediction made for it.
    ///
    /// - Parameters:
    ///   - latents: The shard's, shape `[samples * horizons, width]`.
    ///   - predictions: The shard's predictions for these latents, in the same order.
    ///   - batch: All rows; a sample has its `horizons` latents, then its `horizons` predictions.
    ///   - horizons: Steps ahead.
    /// - Returns: The mean over samples and horizons.
    public func infoNCE(
        latents: Value, predictions: Value, in batch: EmbeddingBatch, horizons: Int
    ) -> ContrastiveLoss {
        let (width, stride) = (batch.columns, 2 * horizons * batch.columns)
        let n = batch.count / (2 * horizons)
        let first = batch.own.lowerBound / (2 * horizons)
        let own = latents.rows / horizons
        let (dLatents, dPredictions) = (arena.floats(latents.count), arena.floats(latents.count))
        let p = arena.floats(n * n)
        let logarithms = arena.bytes(n * MemoryLayout<Double>.size)
            .assumingMemoryBound(to: Double.self)
        let terms = Double(n * horizons)
        let factor = Float(batch.gradientFactor / terms)
        var (total, found) = (0.0, 0)
        for k in 0..<horizons {
            let truth = batch.rows + k * width
            let guesses = batch.rows + (horizons + k) * width
            MatrixProduct.multiply(
                .init(truth, stride: stride), .init(guesses, stride: stride, .transposed),
                m: n, n: n, k: width, into: p)
            for i in 0..<n {
                total -= Double(p[i * n + i])
                if indexOfLargest(p + i * n, count: n) == i { found += 1 }
            }
            softmaxRows(p, scale: 1, rows: n, columns: n, logarithms: logarithms)
            for i in 0..<n {
                total += logarithms[i]
                p[i * n + i] -= 1
            }
            guard latents.wantsGradient || predictions.wantsGradient else { continue }
            MatrixProduct.multiply(
                .init(p + first * n, stride: n), .init(guesses, stride: stride),
                m: own, n: width, k: n, alpha: factor, into: dLatents + k * width,
                stride: horizons * width)
            MatrixProduct.multiply(
                .init(p + first, stride: n, .transposed), .init(truth, stride: stride),
                m: own, n: width, k: n, alpha: factor, into: dPredictions + k * width,
                stride: horizons * width)
        }
        let loss = total / terms
        return ContrastiveLoss(
            value: self.loss(loss, (latents, dLatents), (predictions, dPredictions)), loss: loss,
            retrievalAccuracy: Double(found) / terms, chance: 1 / Double(n))
    }
}
