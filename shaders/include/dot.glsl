// SPDX-License-Identifier: GPL-3.0-or-later
//
// Sums of products of four signed bytes in a word, for devices with VK_KHR_shader_integer_dot_product.
// The instruction is named by its number (OpSDotKHR), because compilers came to know the extension
// for GLSL years after the one for SPIR-V; the capabilities are DotProductKHR and
// DotProductInput4x8BitPackedKHR, and the format is PackedVectorFormat4x8BitKHR.
#extension GL_EXT_spirv_intrinsics : require

spirv_instruction (extensions = ["SPV_KHR_integer_dot_product"], capabilities = [6019, 6018], id = 4450)
int signed_dot (uint a, uint b, spirv_literal int format);

#define dot4(a, b) signed_dot (a, b, 0)
