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
        predictions: Value, latents: Value, time: Int, negatives: Numbers<Int32>, count: Int
    ) -> ContrastiveLoss {
        let width = latents.columns
        let horizons = predictions.columns / width
        precondition(
            predictions.rows == latents.rows && predictions.columns == horizons * width
                && horizons < time, "\(horizons) horizons within \(time) time steps")
        let samples = latents.rows / time
        precondition(
            negatives.count == horizons * samples * time * count,
            "\(negatives.count) negatives instead of \(horizons * samples * time * count)")
        let dPredictions = input(rows: predictions.rows, columns: predictions.columns)
        let dLatents = input(rows: latents.rows, columns: latents.columns)
        let wantsGradient = predictions.wantsGradient || latents.wantsGradient
        if wantsGradient {
            dPredictions.numbers.update(repeating: 0)
            dLatents.numbers.update(repeating: 0)
        }
        let scores = numbers(count + 1, of: Float.self)
        let terms = (1...horizons).reduce(0) { $0 + samples * (time - $1) }
        var (total, found) = (0.0, 0)
        for k in 0..<horizons {
            for sample in 0..<samples {
                for t in 0..<(time - k - 1) {
                    let place = sample * time + t
                    let positive = place + k + 1
                    let first = ((k * samples + sample) * time + t) * count
                    let others = negatives.part(first..<first + count)
                    let part = k * width..<(k + 1) * width
                    let prediction = predictions.row(place).part(part)
                    let dPrediction = dPredictions.row(place).part(part)
                    scores[0] = dot(prediction, latents.row(positive))
                    for i in 0..<count {
                        scores[i + 1] = dot(prediction, latents.row(Int(others[i])))
                    }
                    total -= Double(scores[0])
                    if count == 0 || maximum(scores.part(1..<count + 1)) < scores[0] { found += 1 }
                    total += softmax(scores, scale: 1)
                    guard wantsGradient else { continue }
                    scores[0] -= 1
                    for i in 0...count {
                        let latent = i == 0 ? positive : Int(others[i - 1])
                        let factor = scores[i] / Float(terms)
                        addProduct(latents.row(latent), factor, into: dPrediction)
                        addProduct(prediction, factor, into: dLatents.row(latent))
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
        let (rows, period) = (batch.rows.matrix, 2 * horizons)
        let n = batch.count / period
        let first = batch.own.lowerBound / period
        let own = first..<first + latents.rows / horizons
        let dLatents = input(rows: latents.rows, columns: latents.columns)
        let dPredictions = input(rows: latents.rows, columns: latents.columns)
        let p = input(rows: n, columns: n)
        let logarithms = numbers(n, of: Double.self)
        let terms = Double(n * horizons)
        let factor = Float(batch.gradientFactor / terms)
        var (total, found) = (0.0, 0)
        for k in 0..<horizons {
            let truth = rows.everyRow(period, from: k)
            let guesses = rows.everyRow(period, from: horizons + k)
            MatrixProduct.multiply(truth, guesses.transposed, into: p.matrix)
            for i in 0..<n {
                total -= Double(p[i, i])
                if placeOfLargest(p.row(i)) == i { found += 1 }
            }
            softmaxRows(p, scale: 1, logarithms: logarithms)
            for i in 0..<n {
                total += logarithms[i]
                p[i, i] -= 1
            }
            guard latents.wantsGradient || predictions.wantsGradient else { continue }
            MatrixProduct.multiply(
                p.matrix.rows(own), guesses, alpha: factor,
                into: dLatents.matrix.everyRow(horizons, from: k))
            MatrixProduct.multiply(
                p.matrix.columns(own).transposed, truth, alpha: factor,
                into: dPredictions.matrix.everyRow(horizons, from: k))
        }
        let loss = total / terms
        return ContrastiveLoss(
            value: self.loss(loss, (latents, dLatents), (predictions, dPredictions)), loss: loss,
            retrievalAccuracy: Double(found) / terms, chance: 1 / Double(n))
    }
}
