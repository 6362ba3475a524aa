// SPDX-License-Identifier: GPL-3.0-or-later
//
// Functions of one number, numbered as enum pe_unary.
#define F_SILU         0
#define F_GELU         1
#define F_RELU_SQUARED 2
#define F_RELU         3
#define F_SIGMOID      4
#define F_TANH         5
#define F_SOFTPLUS     6
#define F_SCALE        7
#define F_CLAMP        8
#define F_SOFTCAP      9
#define F_NONE         10
#define F_SWIGLU_OAI   11

// tanh of large arguments overflows in some drivers.
float
safe_tanh (float x)
{
  return tanh (clamp (x, -15.0, 15.0));
}

float
sigmoid (float x)
{
  return 1.0 / (1.0 + exp (-x));
}

// Vulkan's log is only good to 2^-21 near one: small arguments take the series.
float
softplus (float x)
{
  float e = exp (x);
  if (x > 20.0)
    return x;
  return e < 0.04 ? e * (1.0 + e * (-0.5 + e * (0.33333334 + e * (-0.25 + 0.2 * e))))
                  : log (1.0 + e);
}

float
unary (uint f, float x, float a, float b)
{
  switch (f) {
  case F_SILU:
    return x * sigmoid (x);
  case F_GELU:
    return 0.5 * x * (1.0 + safe_tanh (0.79788456080286536 * x * (1.0 + 0.044715 * x * x)));
  case F_RELU_SQUARED:
    return x > 0.0 ? x * x : 0.0;
  case F_RELU:
    return max (x, 0.0);
  case F_SIGMOID:
    return sigmoid (x);
  case F_TANH:
    return safe_tanh (x);
  case F_SOFTPLUS:
    return softplus (x);
  case F_SCALE:
    return a * x + b;
  case F_CLAMP:
    return clamp (x, a, b);
  case F_SOFTCAP:
    return a * safe_tanh (x / a);
  default:
    return x;
  }
}

// f (gate) * up; the clamped form of gpt-oss has its own.
float
gated (uint f, float gate, float up, float limit)
{
  if (f == F_SWIGLU_OAI) {
    float g = min (gate, limit);
    return g * sigmoid (1.702 * g) * (clamp (up, -limit, limit) + 1.0);
  }
  return unary (f, gate, 0.0, 0.0) * up;
}
