"""The numbers that a table reports, as pure functions of a judge's answers or of pixels.

Computed in float64 on the tensors' own device (Apple's MPS has no float64: hand over CPU tensors there).

p(y|v) is a judge's distribution over k classes for video v: one row of `p`. Entropies are in nats.
Some authors swap the names Inter-E and Intra-E; here they are VideoVAE's.
"""

import torch
from einops import rearrange, reduce
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

from videogen.errors import UserError


def intra_entropy(p: Float[Tensor, "n k"]) -> float:
    """Intra-E = mean_v H(p(y|v)): how unsure the judge is of one video. Lower is better; in [0, ln k]."""
    return torch.special.entr(p.double()).sum(1).mean().item()


def inter_entropy(p: Float[Tensor, "n k"]) -> float:
    """Inter-E = H(mean_v p(y|v)): how evenly the videos cover the classes. Higher is better; in [0, ln k]."""
    return torch.special.entr(p.double().mean(0)).sum().item()


def inception_score(p: Float[Tensor, "n k"]) -> float:
    """I-Score = exp(mean_v KL(p(y|v) || mean_v p(y|v))) = exp(Inter-E - Intra-E). Higher is better; in [1, k]."""
    return torch.tensor(inter_entropy(p) - intra_entropy(p), dtype=torch.float64).exp().item()


def accuracy(p: Float[Tensor, "n k"], labels: Int64[Tensor, "n"]) -> float:
    """Share of videos whose most probable class is the label, in [0, 1]."""
    return (p.argmax(1) == labels).double().mean().item()


def marginals(
    p_joint: Float[Tensor, "n k"], identities: int, actions: int
) -> tuple[Float[Tensor, "n {identities}"], Float[Tensor, "n {actions}"]]:
    """p(identity|v) and p(action|v) from a judge of pairs, whose class index is `identity * actions + action`."""
    p = rearrange(p_joint, "n (i a) -> n i a", i=identities, a=actions)
    return p.sum(2), p.sum(1)


def frechet_distance(features_a: Float[Tensor, "n d"], features_b: Float[Tensor, "m d"]) -> float:
    """Squared Frechet distance between the Gaussians with the two sets' means and (unbiased) covariances.

        |mu_a - mu_b|^2 + tr(S_a + S_b - 2 (S_a^1/2 S_b S_a^1/2)^1/2)

    Zero for equal sets, lower is better, in the features' squared unit. Use more samples than feature dimensions in
    each set: fewer give singular covariances and a distance that says more about the sample size than about the videos.

    Raises:
        UserError: a set has fewer than two samples, so it has no covariance.
    """
    if min(len(features_a), len(features_b)) < 2:
        raise UserError(
            f"the Frechet distance needs at least 2 samples in each set, not {len(features_a)} and {len(features_b)}: "
            "evaluate more samples, more than the features have dimensions"
        )
    mean_a, cov_a = _gaussian(features_a)
    mean_b, cov_b = _gaussian(features_b)
    # With M = S_a^1/2 S_b^1/2, S_a^1/2 S_b S_a^1/2 = M M^T: the trace of its root is the sum of M's singular values.
    # Taken so, round-off of size e stays e, where the root of an eigenvalue would make it sqrt(e).
    trace = torch.linalg.svdvals(_sqrt(cov_a) @ _sqrt(cov_b)).sum()
    distance = (mean_a - mean_b).square().sum() + cov_a.trace() + cov_b.trace() - 2 * trace
    return distance.clamp(min=0).item()


def _gaussian(features: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "d"], Float[Tensor, "d d"]]:
    features = features.double()
    mean = features.mean(0)
    centred = features - mean
    return mean, centred.T @ centred / (len(features) - 1)


def _sqrt(cov: Float[Tensor, "d d"]) -> Float[Tensor, "d d"]:
    """The symmetric square root of a positive semi-definite matrix."""
    values, vectors = torch.linalg.eigh(cov)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T


def sharpness(videos: Float[Tensor, "n t c h w"], reference: Float[Tensor, "m t c h w"]) -> float:
    """Mean squared Laplacian of the luminance, divided by that of `reference` (real videos of the same size).

    1: as much fine detail as the real frames; below: blurred; above: noisy. It is blind to what the detail shows.
    """
    return (_detail(videos) / _detail(reference)).item()


def _detail(videos: Float[Tensor, "n t c h w"]) -> Float[Tensor, ""]:
    """Mean over videos and inner pixels of (4 y - its four neighbours)^2, with y the Rec. 601 luminance."""
    weights = torch.tensor([0.299, 0.587, 0.114] if videos.shape[2] == 3 else [1.0], dtype=torch.float64)
    energies = []
    for video in videos:  # one at a time: float64 copies of a thousand videos would not fit
        y = torch.einsum("tchw,c->thw", video.double(), weights.to(video.device))
        neighbours = y[:, :-2, 1:-1] + y[:, 2:, 1:-1] + y[:, 1:-1, :-2] + y[:, 1:-1, 2:]
        energies.append((4 * y[:, 1:-1, 1:-1] - neighbours).square().mean())
    return torch.stack(energies).mean()


def variety(videos: Float[Tensor, "n t c h w"], labels: Int64[Tensor, "n"]) -> float:
    """Mean RMS distance between two videos of the same label, over all such pairs; 0 where every label has one video.

    On thumbnails of 16 x 16 pixels, in [0, 2]: poses and places count, grain does not.
    """
    small, distances = thumbnails(videos), []
    for label in labels.unique():
        own = small[labels == label]
        distances.append(torch.pdist(own) / own.shape[1] ** 0.5)
    pooled = torch.cat(distances)
    return pooled.mean().item() if len(pooled) else 0.0


def nearest(videos: Float[Tensor, "n t c h w"], others: Float[Tensor, "m t c h w"]) -> float:
    """Mean RMS distance of each video to the nearest of `others`, on thumbnails as in `variety`. 0: all are copies."""
    a, b = thumbnails(videos), thumbnails(others)
    return (torch.cdist(a, b).amin(1) / a.shape[1] ** 0.5).mean().item()


def thumbnails(videos: Float[Tensor, "n t c h w"]) -> Float[Tensor, "n d"]:
    frames = functional.adaptive_avg_pool2d(rearrange(videos, "n t c h w -> (n t) c h w"), 16)
    return rearrange(frames, "(n t) c h w -> n (t c h w)", n=len(videos))


def content_distance(features: Float[Tensor, "n t d"]) -> float:
    """ACD, the average content distance (Tulyakov et al. 2018, section 4.1): mean L2 distance between the features of two
    frames of one video, over all pairs of its frames and all videos. 0: who is shown never changes.

    The features are those of who is there: MoCoGAN's authors take a face network's. 0 for videos of one frame.
    """
    if features.shape[1] < 2:
        return 0.0
    return torch.stack([torch.pdist(video).mean() for video in features.double()]).mean().item()


def psnr(a: Float[Tensor, "b *shape"], b: Float[Tensor, "b *shape"]) -> Float[Tensor, "b"]:
    """10 log10(2^2 / MSE) in dB for each sample; 2 is the peak-to-peak range of [-1, 1]. Infinite where a equals b."""
    mse = reduce((a.double() - b.double()).square(), "b ... -> b", "mean")
    return 10 * torch.log10(4 / mse)
