using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Raijin.Repair;

/// <summary>Writes <see cref="GC.KeepAlive"/> for all that a method holds: <c>this</c>, parameters and locals.</summary>
sealed class KeepAliveEmitter
{
    /// <summary>The type that marks a repaired assembly: the start-up check of Raijin.Tensors looks for it.</summary>
    public const string Marker = "Raijin.Repair.KeptAlive";

    readonly ModuleDefinition module;
    readonly MethodReference keepAlive;
    MethodDefinition? keepSpan;

    public KeepAliveEmitter(ModuleDefinition module)
    {
        this.module = module;
        keepAlive = new MethodReference(nameof(GC.KeepAlive), module.TypeSystem.Void, Il.Known(module, "System.GC"));
        keepAlive.Parameters.Add(new ParameterDefinition(module.TypeSystem.Object));

        const TypeAttributes staticClass = TypeAttributes.NotPublic | TypeAttributes.Abstract | TypeAttributes.Sealed | TypeAttributes.BeforeFieldInit;
        var dot = Marker.LastIndexOf('.');
        MarkerType = new TypeDefinition(Marker[..dot], Marker[(dot + 1)..], staticClass, module.TypeSystem.Object);
        module.Types.Add(MarkerType);
    }

    public TypeDefinition MarkerType { get; }

    /// <summary>Keeps alive everything that <paramref name="method"/> holds until <paramref name="call"/> has returned. The stack is left as it was.</summary>
    public void KeepAliveAfter(Instruction call, MethodDefinition method)
    {
        var il = method.Body.GetILProcessor();
        var last = call;
        foreach (var instruction in Held(method))
        {
            il.InsertAfter(last, instruction);
            last = instruction;
        }
    }

    /// <summary>Keeps <c>this</c>, and so the tensor it holds, alive until every return: the method reads native memory through an address.</summary>
    public void KeepThisUntilReturn(MethodDefinition method)
    {
        var il = method.Body.GetILProcessor();
        foreach (var exit in method.Body.Instructions.Where(i => i.OpCode.Code is Code.Ret).ToList())
        {
            // The return may be a branch target: it becomes the first of the three.
            exit.OpCode = OpCodes.Ldarg;
            exit.Operand = method.Body.ThisParameter;
            var keep = il.Create(OpCodes.Call, keepAlive);
            il.InsertAfter(exit, keep);
            il.InsertAfter(keep, il.Create(OpCodes.Ret));
        }
    }

    IEnumerable<Instruction> Held(MethodDefinition method)
    {
        // Before its base is constructed a constructor may not touch `this`, and its caller still holds it.
        if (method.HasThis && !method.IsConstructor && !method.DeclaringType.IsValueType)
            return [Instruction.Create(OpCodes.Ldarg, method.Body.ThisParameter), Instruction.Create(OpCodes.Call, keepAlive), .. Variables(method)];
        return Variables(method);
    }

    IEnumerable<Instruction> Variables(MethodDefinition method) =>
    [
        .. method.Parameters.SelectMany(p => Keep(Instruction.Create(OpCodes.Ldarg, p), p.ParameterType)),
        .. method.Body.Variables.SelectMany(v => Keep(Instruction.Create(OpCodes.Ldloc, v), v.VariableType)),
    ];

    Instruction[] Keep(Instruction load, TypeReference type)
    {
        if (type is GenericParameter { HasNotNullableValueTypeConstraint: false })
            return [load, Instruction.Create(OpCodes.Box, type), Instruction.Create(OpCodes.Call, keepAlive)];
        if (type is GenericInstanceType { ElementType.FullName: "System.ReadOnlySpan`1", GenericArguments: [{ FullName: Il.Tensor }] })
            return [load, Instruction.Create(OpCodes.Call, keepSpan ??= DefineKeepSpan(type))];
        return IsReference(type) ? [load, Instruction.Create(OpCodes.Call, keepAlive)] : [];
    }

    static bool IsReference(TypeReference type) => type switch
    {
        ArrayType array => !array.ElementType.IsPrimitive,
        GenericInstanceType instance => !instance.IsValueType,
        TypeSpecification or GenericParameter => false,     // by reference, pointer, pinned, modified: the caller's or the frame's to keep
        _ => !type.IsValueType && type.MetadataType is not MetadataType.String,
    };

    /// <summary>A span cannot be boxed; passing it to a method that the JIT must really call keeps what it points into alive.</summary>
    MethodDefinition DefineKeepSpan(TypeReference span)
    {
        const MethodAttributes internalStatic = MethodAttributes.Assembly | MethodAttributes.Static | MethodAttributes.HideBySig;
        var method = new MethodDefinition("KeepSpan", internalStatic, module.TypeSystem.Void);
        method.ImplAttributes |= MethodImplAttributes.NoInlining;
        method.Parameters.Add(new ParameterDefinition(span));
        method.Body.GetILProcessor().Emit(OpCodes.Ret);
        MarkerType.Methods.Add(method);
        return method;
    }
}
