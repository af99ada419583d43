using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Raijin.Repair;

/// <summary>
/// Gives a home to wrappers that no variable holds while native code uses their handles: a local, which <see cref="KeepAliveEmitter"/> then keeps alive,
/// or a field where the handle outlives the method.
/// </summary>
sealed class EscapingHandles(ModuleDefinition module)
{
    const string ScriptArguments = "TorchSharp.NativeTensorOrScalarIndexedArray", HandlesForNativeCode = "TorchSharp.PInvoke.NativeMethods/ArrayWithSize";

    FieldDefinition? scriptArgumentsHold;

    /// <summary><c>((Scalar)x).Handle</c>: the wrapper lives on the evaluation stack alone.</summary>
    /// <returns>How many there were.</returns>
    public int HoldStackTemporaries(MethodDefinition method)
    {
        var found = 0;
        foreach (var getter in method.Body.Instructions.Where(Il.IsHandleGetter).ToList())
        {
            if (getter.Previous.OpCode.Code is Code.Ldarg or Code.Ldloc)
                continue;
            found++;
            var read = (MethodReference)getter.Operand!;
            var temporary = Local(method, read.DeclaringType);
            InsertBefore(method, getter, [Instruction.Create(OpCodes.Dup), Instruction.Create(OpCodes.Stloc, temporary), .. HoldBeyond(method, temporary)]);
        }
        return found;
    }

    /// <summary>
    /// <c>torch.stack(tensors.Select(…))</c>: each tensor of the sequence is created, asked for its handle and dropped. The sequence becomes an array
    /// that a local holds.
    /// </summary>
    /// <returns>How many there were.</returns>
    public int HoldLazySequences(MethodDefinition method)
    {
        var calls = method.Body.Instructions.Where(IsLazyHandles).ToList();
        foreach (var call in calls)
        {
            var tensor = ((GenericInstanceType)((MethodReference)call.Operand!).Parameters[0].ParameterType).GenericArguments[0];
            var local = Local(method, new ArrayType(tensor));
            InsertBefore(method, call, [Instruction.Create(OpCodes.Call, ToArray(tensor)), Instruction.Create(OpCodes.Dup), Instruction.Create(OpCodes.Stloc, local)]);
        }
        return calls.Count;
    }

    /// <summary>A method native code calls back, and that answers with handles of tensors it drops: the gradients of a custom function.</summary>
    public static bool ReturnsHandlesToNativeCode(MethodDefinition method) =>
        method.HasThis && method.ReturnType.FullName == HandlesForNativeCode && method.Body.Instructions.Any(IsSelectHandles);

    /// <summary>The object called back holds the tensors whose handles it returned until it is called again or dies.</summary>
    public void HoldReturned(MethodDefinition method)
    {
        var select = method.Body.Instructions.Single(IsSelectHandles);
        var selector = select.Previous;
        while (selector.OpCode.Code is not Code.Ldsfld || ((FieldReference)selector.Operand).FieldType is not GenericInstanceType { ElementType.FullName: "System.Func`2" })
            selector = selector.Previous ?? throw Unknown(method);
        // The sequence was pushed just before its selector.
        if (selector.Previous is not { OpCode.Code: Code.Ldloc, Operand: VariableDefinition tensors })
            throw Unknown(method);
        var field = new FieldDefinition("heldForNativeCode", FieldAttributes.Private, module.TypeSystem.Object);
        method.DeclaringType.Fields.Add(field);
        InsertBefore(method, selector.Previous, [
            Instruction.Create(OpCodes.Ldarg, method.Body.ThisParameter),
            Instruction.Create(OpCodes.Ldloc, tensors),
            Instruction.Create(OpCodes.Stfld, OfItself(field))]);
    }

    /// <summary>
    /// The arguments of a TorchScript call are collected first and passed later, by the caller: what they need is chained to their collection,
    /// which the caller keeps alive.
    /// </summary>
    Instruction[] HoldBeyond(MethodDefinition method, VariableDefinition temporary)
    {
        if (method.Parameters.FirstOrDefault(p => p.ParameterType.FullName == ScriptArguments) is not { } arguments)
            return [];
        if (scriptArgumentsHold is null)
        {
            scriptArgumentsHold = new FieldDefinition("heldForNativeCode", FieldAttributes.Assembly, module.TypeSystem.Object);
            module.GetType(ScriptArguments).Fields.Add(scriptArgumentsHold);
        }
        // arguments.held = new object[] { temporary, arguments.held };
        return
        [
            Instruction.Create(OpCodes.Ldarg, arguments),
            Instruction.Create(OpCodes.Ldc_I4_2),
            Instruction.Create(OpCodes.Newarr, module.TypeSystem.Object),
            Instruction.Create(OpCodes.Dup),
            Instruction.Create(OpCodes.Ldc_I4_0),
            Instruction.Create(OpCodes.Ldloc, temporary),
            Instruction.Create(OpCodes.Stelem_Ref),
            Instruction.Create(OpCodes.Dup),
            Instruction.Create(OpCodes.Ldc_I4_1),
            Instruction.Create(OpCodes.Ldarg, arguments),
            Instruction.Create(OpCodes.Ldfld, scriptArgumentsHold),
            Instruction.Create(OpCodes.Stelem_Ref),
            Instruction.Create(OpCodes.Stfld, scriptArgumentsHold),
        ];
    }

    /// <summary>Branches to <paramref name="target"/> pass through what is inserted.</summary>
    static void InsertBefore(MethodDefinition method, Instruction target, Instruction[] inserted)
    {
        var il = method.Body.GetILProcessor();
        var moved = Instruction.Create(OpCodes.Nop);
        (moved.OpCode, moved.Operand) = (target.OpCode, target.Operand);
        (target.OpCode, target.Operand) = (inserted[0].OpCode, inserted[0].Operand);
        var last = target;
        foreach (var instruction in inserted.Skip(1).Append(moved))
        {
            il.InsertAfter(last, instruction);
            last = instruction;
        }
    }

    static VariableDefinition Local(MethodDefinition method, TypeReference type)
    {
        var local = new VariableDefinition(type);
        method.Body.Variables.Add(local);
        return local;
    }

    GenericInstanceMethod ToArray(TypeReference element)
    {
        var enumerable = Il.Known(module, "System.Linq.Enumerable");
        var known = module.GetMemberReferences().OfType<MethodReference>().FirstOrDefault(m => m.Name == "ToArray" && m.DeclaringType.FullName == enumerable.FullName)
            ?? throw new RepairException($"{module.Name} without a reference to Enumerable.ToArray", "an assembly that uses it", RepairException.UnknownPackage);
        return new GenericInstanceMethod(known.GetElementMethod()) { GenericArguments = { element } };
    }

    /// <summary>A field as seen from inside its own type, which may be generic.</summary>
    static FieldReference OfItself(FieldDefinition field)
    {
        if (!field.DeclaringType.HasGenericParameters)
            return field;
        var itself = new GenericInstanceType(field.DeclaringType);
        foreach (var parameter in field.DeclaringType.GenericParameters)
            itself.GenericArguments.Add(parameter);
        return new FieldReference(field.Name, field.FieldType, itself);
    }

    static bool IsLazyHandles(Instruction instruction) => Il.IsCall(instruction)
        && instruction.Operand is MethodReference { Name: "ToHandleArray", Parameters: [{ ParameterType: GenericInstanceType { ElementType.FullName: "System.Collections.Generic.IEnumerable`1" } }] };

    static bool IsSelectHandles(Instruction instruction) => Il.IsCall(instruction)
        && instruction.Operand is GenericInstanceMethod { Name: "Select", GenericArguments: [{ FullName: Il.Tensor }, { MetadataType: MetadataType.IntPtr }] };

    static RepairException Unknown(MethodDefinition method) =>
        new($"{method.FullName} in a form not seen before", "handles selected from a local list of tensors", RepairException.UnknownPackage);
}
