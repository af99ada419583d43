using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Raijin.Repair;

/// <summary>What TorchSharp's code is recognised by.</summary>
static class Il
{
    public const string NativeMethods = "TorchSharp.PInvoke.NativeMethods", Tensor = "TorchSharp.torch/Tensor";

    public static bool IsCall(Instruction instruction) => instruction.OpCode.Code is Code.Call or Code.Callvirt;

    public static bool IsNativeCall(Instruction instruction) =>
        IsCall(instruction) && instruction.Operand is MethodReference { DeclaringType.FullName: NativeMethods };

    public static bool IsHandleGetter(Instruction instruction) =>
        IsCall(instruction) && instruction.Operand is MethodReference { Name: "get_Handle" or "DangerousGetHandle" };

    /// <summary>The accessors of a tensor's elements, which hold a raw address beside the tensor that owns it.</summary>
    public static bool ReadsNativeMemory(Instruction instruction) =>
        instruction.OpCode.Code is Code.Ldfld && instruction.Operand is FieldReference { Name: "_tensor_data_ptr" };

    /// <summary>A type the module already refers to, so that no new assembly reference appears.</summary>
    public static TypeReference Known(ModuleDefinition module, string name) => module.TryGetTypeReference(name, out var type)
        ? type
        : throw new RepairException($"{module.Name} without a reference to {name}", "an assembly that uses it", RepairException.UnknownPackage);
}
