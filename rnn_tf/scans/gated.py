"""The gated recurrences, LSTM and GRU, and their gradients."""

from typing import Any

import tensorflow as tf

from rnn_tf.scans import products, recurrence, sums
from rnn_tf.scans.activations import Activation
from rnn_tf.scans.steps import Steps


class LSTM(recurrence.Recurrence):
    """Long short-term memory.

    With p_t = x_t W_x + b, projected before, and m_k the recurrent dropout of gate k,

        [z_i z_f z_g z_o] = p_t + [(h_{t-1} ∘ m_k) W_k for the gates k]
        i = s(z_i)    f = s(z_f)    g = σ(z_g)    o = s(z_o)          input, forget, candidate, output
        c_t = f ∘ c_{t-1} + i ∘ g
        h_t = o ∘ σ(c_t)

    and backwards, δx short for ∂L/∂x:

        δo = δh_t ∘ σ(c_t)            δc_t += δh_t ∘ o ∘ σ'(c_t)
        δi = δc_t ∘ g     δf = δc_t ∘ c_{t-1}     δg = δc_t ∘ i     δc_{t-1} = δc_t ∘ f
        δz_k = δk ∘ s'(z_k), for g with σ'                             = δp_t
        δh_{t-1} += Σ_k (δz_k W_kᵀ) ∘ m_k
        δW_k = Σ_t (h_{t-1} ∘ m_k)ᵀ δz_k

    States: `[h, c]`. Weights: `[W]`, `[units, 4 units]`, gates in Keras's order i, f, g, o.

    Args:
        activation: σ, a function on tensors.
        recurrent_activation: s, a function on tensors.

    Source: S. Hochreiter, J. Schmidhuber (1997), "Long short-term memory", Neural Computation 9, with the forget gate
    of F. A. Gers, J. Schmidhuber, F. Cummins (2000), "Learning to forget", Neural Computation 12.

    Example: 2 sequences of 5 steps, 3 units.
    >>> import tensorflow as tf
    >>> from rnn_tf.scans import LSTM, scan
    >>> projected, zeros, kernel = tf.ones([2, 5, 12]), tf.zeros([2, 3]), tf.zeros([3, 12])
    >>> hidden, (h, c) = scan(LSTM(tf.tanh, tf.sigmoid), projected, [zeros, zeros], [kernel])
    >>> hidden.shape, c.shape
    (TensorShape([2, 5, 3]), TensorShape([2, 3]))
    """

    saved = 4

    def __init__(self, activation: Any, recurrent_activation: Any) -> None:
        self._activation = Activation(activation)
        self._gate = Activation(recurrent_activation)

    def forward(self, projected: Any, states: Any, weights: Any, dropout: Any) -> Any:
        h, c = states
        z = projected + products.product(h, weights[0], dropout)  # [batch, 4 units]
        z_i, z_f, z_g, z_o = tf.split(z, 4, axis=1)
        (i, i_saved), (f, f_saved), (o, o_saved) = (self._gate(z_k) for z_k in (z_i, z_f, z_o))
        g, g_saved = self._activation(z_g)
        c = f * c + i * g
        return [o * self._activation(c)[0], c], [i_saved, f_saved, g_saved, o_saved]

    def needed(self, before: Any, after: Any, saved: Any) -> Any:
        _, c_saved = self._activation(after[1].whole)
        return [*saved, before[1], Steps(c_saved)]

    def backward(self, d_states: Any, needed: Any, transposed: Any, dropout: Any) -> Any:
        dh, dc = d_states
        i_saved, f_saved, g_saved, o_saved, c_before, c_saved = needed
        i, f, o = (self._gate.value(k) for k in (i_saved, f_saved, o_saved))
        g, y = self._activation.value(g_saved), self._activation.value(c_saved)
        dc += self._activation.gradient(c_saved, dh * o)
        dz = tf.concat(
            [
                self._gate.gradient(i_saved, dc * g),
                self._gate.gradient(f_saved, dc * c_before),
                self._activation.gradient(g_saved, dc * i),
                self._gate.gradient(o_saved, dh * y),
            ],
            axis=1,
        )  # [batch, 4 units]
        return [dz], [products.input_gradient(dz, transposed[0], dropout), dc * f]

    def gradients(self, flown: Any, needed: Any, before: Any, dropout: Any) -> Any:
        dz = flown[0].whole
        return dz, [products.kernel_gradient(before[0].whole, dz, dropout)]


class GRU(recurrence.Recurrence):
    """The gated recurrent unit, with the reset gate after the product.

    With p_t = x_t W_x + b, projected before, and m_k the recurrent dropout of gate k,

        [u_z u_r u_g] = [(h_{t-1} ∘ m_k) W_k for the gates k]
        z = s(p_z + u_z)    r = s(p_r + u_r)                           update, reset
        g = σ(p_g + r ∘ (u_g + b_g))                                   candidate
        h_t = z ∘ h_{t-1} + (1 - z) ∘ g

    and backwards, δx short for ∂L/∂x:

        δz = δh_t ∘ (h_{t-1} - g)      δg = δh_t ∘ (1 - z)
        δp_g = δg ∘ σ'                 δr = δp_g ∘ (u_g + b_g)         δu_g = δp_g ∘ r = δb_g, summed
        δp_z = δu_z = δz ∘ s'          δp_r = δu_r = δr ∘ s'
        δh_{t-1} += δh_t ∘ z + Σ_k (δu_k W_kᵀ) ∘ m_k
        δW_k = Σ_t (h_{t-1} ∘ m_k)ᵀ δu_k

    States: `[h]`. Weights: `[W, b_g]`, `[units, 3 units]` and `[units]`, gates in Keras's order z, r, g.

    Args:
        activation: σ, a function on tensors.
        recurrent_activation: s, a function on tensors.

    Source: K. Cho et al. (2014), "Learning phrase representations using RNN encoder-decoder for statistical machine
    translation", EMNLP; the reset gate after the product as in cuDNN, and as in Keras with `reset_after=True`.

    Example: 2 sequences of 5 steps, 3 units.
    >>> import tensorflow as tf
    >>> from rnn_tf.scans import GRU, scan
    >>> projected, kernel, bias = tf.ones([2, 5, 9]), tf.zeros([3, 9]), tf.zeros([3])
    >>> hidden, (h,) = scan(GRU(tf.tanh, tf.sigmoid), projected, [tf.zeros([2, 3])], [kernel, bias])
    >>> hidden.shape, h.shape
    (TensorShape([2, 5, 3]), TensorShape([2, 3]))
    """

    saved = 4

    def __init__(self, activation: Any, recurrent_activation: Any) -> None:
        self._activation = Activation(activation)
        self._gate = Activation(recurrent_activation)

    def forward(self, projected: Any, states: Any, weights: Any, dropout: Any) -> Any:
        (h,), (kernel, bias) = states, weights
        p_z, p_r, p_g = tf.split(projected, 3, axis=1)  # [batch, units] each
        u_z, u_r, u_g = tf.split(products.product(h, kernel, dropout), 3, axis=1)
        z, z_saved = self._gate(p_z + u_z)
        r, r_saved = self._gate(p_r + u_r)
        u_g += bias
        g, g_saved = self._activation(p_g + r * u_g)
        return [g + z * (h - g)], [z_saved, r_saved, g_saved, u_g]

    def needed(self, before: Any, after: Any, saved: Any) -> Any:
        return [*saved, before[0]]

    def backward(self, d_states: Any, needed: Any, transposed: Any, dropout: Any) -> Any:
        (dh,) = d_states
        z_saved, r_saved, g_saved, u_g, h_before = needed
        z, r, g = self._gate.value(z_saved), self._gate.value(r_saved), self._activation.value(g_saved)
        dp_g = self._activation.gradient(g_saved, dh * (1 - z))
        dp_z = self._gate.gradient(z_saved, dh * (h_before - g))
        dp_r = self._gate.gradient(r_saved, dp_g * u_g)
        du = tf.concat([dp_z, dp_r, dp_g * r], axis=1)  # [batch, 3 units]
        return [du, dp_g], [dh * z + products.input_gradient(du, transposed[0], dropout)]

    def gradients(self, flown: Any, needed: Any, before: Any, dropout: Any) -> Any:
        du, dp_g = (one.whole for one in flown)
        du_z, du_r, du_g = tf.split(du, 3, axis=-1)
        dp = tf.concat([du_z, du_r, dp_g], axis=-1)
        return dp, [products.kernel_gradient(before[0].whole, du, dropout), sums.total(du_g)]


class GRUResetBefore(GRU):
    """The gated recurrent unit as first published: the reset gate acts on h_{t-1}, before the product.

        z = s(p_z + (h_{t-1} ∘ m_z) W_z)    r = s(p_r + (h_{t-1} ∘ m_r) W_r)
        g = σ(p_g + v W_g), v = r ∘ h_{t-1} ∘ m_g
        h_t = z ∘ h_{t-1} + (1 - z) ∘ g

    and backwards, where it differs from `GRU`:

        δv = δp_g W_gᵀ      δr = δv ∘ h_{t-1} ∘ m_g      δW_g = Σ_t vᵀ δp_g
        δh_{t-1} += δh_t ∘ z + δv ∘ r ∘ m_g + Σ_{k=z,r} (δp_k W_kᵀ) ∘ m_k

    States: `[h]`. Weights: `[W]`, `[units, 3 units]`. Arguments and source: see `GRU`.

    Example: 2 sequences of 5 steps, 3 units.
    >>> import tensorflow as tf
    >>> from rnn_tf.scans import GRUResetBefore, scan
    >>> projected, kernel = tf.ones([2, 5, 9]), tf.zeros([3, 9])
    >>> hidden, (h,) = scan(GRUResetBefore(tf.tanh, tf.sigmoid), projected, [tf.zeros([2, 3])], [kernel])
    >>> hidden.shape, h.shape
    (TensorShape([2, 5, 3]), TensorShape([2, 3]))
    """

    saved = 3

    def forward(self, projected: Any, states: Any, weights: Any, dropout: Any) -> Any:
        (h,), (kernel,) = states, weights
        gates, candidate = tf.split(kernel, [2 * h.shape[1], h.shape[1]], axis=1)
        p_z, p_r, p_g = tf.split(projected, 3, axis=1)  # [batch, units] each
        u_z, u_r = tf.split(products.product(h, gates, dropout and dropout[:2]), 2, axis=1)
        z, z_saved = self._gate(p_z + u_z)
        r, r_saved = self._gate(p_r + u_r)
        g, g_saved = self._activation(p_g + products.product(r * h, candidate, dropout and dropout[2:]))
        return [g + z * (h - g)], [z_saved, r_saved, g_saved]

    def needed(self, before: Any, after: Any, saved: Any) -> Any:
        return [*saved, before[0]]

    def backward(self, d_states: Any, needed: Any, transposed: Any, dropout: Any) -> Any:
        (dh,) = d_states
        z_saved, r_saved, g_saved, h_before = needed
        units = dh.shape[1]
        gates, candidate = tf.split(transposed[0], [2 * units, units])
        z, r, g = self._gate.value(z_saved), self._gate.value(r_saved), self._activation.value(g_saved)
        dp_g = self._activation.gradient(g_saved, dh * (1 - z))
        dv = products.input_gradient(dp_g, candidate, dropout and dropout[2:])
        dp_z = self._gate.gradient(z_saved, dh * (h_before - g))
        dp_r = self._gate.gradient(r_saved, dv * h_before)
        dp_gates = tf.concat([dp_z, dp_r], axis=1)  # [batch, 2 units]
        d_before = dh * z + dv * r + products.input_gradient(dp_gates, gates, dropout and dropout[:2])
        return [dp_gates, dp_g], [d_before]

    def gradients(self, flown: Any, needed: Any, before: Any, dropout: Any) -> Any:
        h, r, (dp_gates, dp_g) = before[0].whole, self._gate.value(needed[1].whole), (one.whole for one in flown)
        gates = products.kernel_gradient(h, dp_gates, dropout and dropout[:2])
        candidate = products.kernel_gradient(r * h, dp_g, dropout and dropout[2:])
        return tf.concat([dp_gates, dp_g], axis=-1), [tf.concat([gates, candidate], axis=1)]
