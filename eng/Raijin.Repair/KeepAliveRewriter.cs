using Mono.Cecil;
using Mono.Cecil.Cil;
using Mono.Cecil.Rocks;

namespace Raijin.Repair;

/// <summary>
/// The cure of the managed library. TorchSharp hands <c>wrapper.Handle</c> to native code and lets go of the wrapper, whose finalizer may then free
/// the native object while the call reads it. After every native call this inserts <see cref="GC.KeepAlive"/> for whatever the method can reach:
/// <c>this</c>, parameters, locals, and wrappers whose handle was taken straight off the evaluation stack.
/// </summary>
/// <remarks>Invariant: between the moment a handle is read and the return of the native call that takes it, its wrapper is reachable.</remarks>
sealed class KeepAliveRewriter
{
    /// <summary>The assembly metadata key that marks a repaired assembly; the start-up check of Raijin.Tensors looks for it.</summary>
    public const string Marker = "Raijin.Repair";

    const string NativeMethods = "TorchSharp.PInvoke.NativeMethods", Tensor = "TorchSharp.torch/Tensor";
    const int ExpectedCalls = 1_000;

    readonly ModuleDefinition module;
    readonly MethodReference keepAlive;
    readonly TypeReference gc;
    MethodDefinition? keepSpan;

    KeepAliveRewriter(ModuleDefinition module)
    {
        this.module = module;
        gc = Known("System.GC");
        keepAlive = new MethodReference(nameof(GC.KeepAlive), module.TypeSystem.Void, gc);
        keepAlive.Parameters.Add(new ParameterDefinition(module.TypeSystem.Object));
    }

    /// <summary>The repaired assembly and what was done, or null when it needs no cure: repaired before, or kept alive by its authors.</summary>
    /// <exception cref="RepairException">This is not a TorchSharp assembly of the known shape.</exception>
    public static (byte[] Assembly, RewriteCounts Counts)? Cure(byte[] assembly)
    {
        using var module = Read(assembly);
        if (module.Assembly.CustomAttributes.Any(IsMarker))
            return null;

        var calling = Methods(module).Where(m => m.HasBody && m.Body.Instructions.Any(IsNativeCall)).ToList();
        RequireKnownShape(module, calling);
        var bare = calling.Where(m => !KeepsAlive(m) && !Releases(m)).ToList();
        if (bare.Count == 0)
            return null;

        var rewriter = new KeepAliveRewriter(module);
        var counts = new RewriteCounts();
        foreach (var method in bare)
            counts += rewriter.Rewrite(method);
        rewriter.Mark();
        return (Write(module), counts);
    }

    static ModuleDefinition Read(byte[] assembly)
    {
        try
        {
            return ModuleDefinition.ReadModule(new MemoryStream(assembly), new ReaderParameters(ReadingMode.Immediate));
        }
        catch (Exception e) when (e is BadImageFormatException or EndOfStreamException or ArgumentException or IndexOutOfRangeException)
        {
            throw new RepairException($"a file that cannot be read ({e.Message})", "the managed assembly TorchSharp.dll",
                "restore the TorchSharp package again: the file is damaged");
        }
    }

    static void RequireKnownShape(ModuleDefinition module, List<MethodDefinition> calling)
    {
        if (module.GetType(NativeMethods) is not { } natives)
            throw new RepairException($"{module.Name} without {NativeMethods}", "TorchSharp.dll with its native methods in that class",
                RepairException.UnknownPackage);
        if (natives.Methods.FirstOrDefault(m => !m.IsPInvokeImpl && !m.IsConstructor) is { } managed)
            throw new RepairException($"{managed.FullName}, which is managed", $"only native methods in {NativeMethods}", RepairException.UnknownPackage);
        var calls = calling.Sum(m => m.Body.Instructions.Count(IsNativeCall));
        if (calls < ExpectedCalls)
            throw new RepairException($"{calls} native calls in {module.Name}", $"at least {ExpectedCalls}", RepairException.UnknownPackage);
    }

    RewriteCounts Rewrite(MethodDefinition method)
    {
        var body = method.Body;
        body.SimplifyMacros();
        var temporaries = HoldStackTemporaries(body);
        var held = Held(method).ToList();
        var calls = 0;
        var il = body.GetILProcessor();
        foreach (var call in body.Instructions.Where(IsNativeCall).ToList())
        {
            calls++;
            var after = call;
            foreach (var keep in held)
            {
                foreach (var instruction in keep())
                {
                    il.InsertAfter(after, instruction);
                    after = instruction;
                }
            }
        }
        body.OptimizeMacros();
        return new RewriteCounts(1, calls, temporaries);
    }

    /// <summary>Gives each wrapper whose handle is read straight off the stack a local, so that it can be kept alive like the others.</summary>
    int HoldStackTemporaries(MethodBody body)
    {
        var found = 0;
        var il = body.GetILProcessor();
        foreach (var getter in body.Instructions.Where(IsHandleGetter).ToList())
        {
            if (getter.Previous.OpCode.Code is Code.Ldarg or Code.Ldloc)
                continue;
            found++;
            var operand = (MethodReference)getter.Operand!;
            var temporary = new VariableDefinition(operand.DeclaringType);
            body.Variables.Add(temporary);
            var read = il.Create(getter.OpCode, operand);
            // The getter may be a branch target: it becomes the first of the three, so that every path passes through all of them.
            getter.OpCode = OpCodes.Dup;
            getter.Operand = null;
            var store = il.Create(OpCodes.Stloc, temporary);
            il.InsertAfter(getter, store);
            il.InsertAfter(store, read);
        }
        return found;
    }

    /// <summary>How to keep alive each thing the method holds: instructions that leave the stack as it was.</summary>
    IEnumerable<Func<Instruction[]>> Held(MethodDefinition method)
    {
        // A constructor may not touch `this` before its base is constructed; nobody else can have dropped it yet.
        if (method.HasThis && !method.IsConstructor && !method.DeclaringType.IsValueType)
            yield return () => [Instruction.Create(OpCodes.Ldarg, method.Body.ThisParameter), Instruction.Create(OpCodes.Call, keepAlive)];
        foreach (var parameter in method.Parameters)
            if (Keep(parameter.ParameterType) is { } keep)
                yield return () => [Instruction.Create(OpCodes.Ldarg, parameter), .. keep()];
        foreach (var local in method.Body.Variables)
            if (!local.VariableType.IsPinned && Keep(local.VariableType) is { } keep)
                yield return () => [Instruction.Create(OpCodes.Ldloc, local), .. keep()];
    }

    Func<Instruction[]>? Keep(TypeReference type)
    {
        if (type is GenericParameter generic)
            return generic.HasNotNullableValueTypeConstraint
                ? null
                : () => [Instruction.Create(OpCodes.Box, type), Instruction.Create(OpCodes.Call, keepAlive)];
        if (type is GenericInstanceType { GenericArguments: [{ FullName: Tensor } tensor] } span && span.ElementType.FullName == "System.ReadOnlySpan`1")
            return () => [Instruction.Create(OpCodes.Call, keepSpan ??= DefineKeepSpan(span))];
        return IsReference(type) ? () => [Instruction.Create(OpCodes.Call, keepAlive)] : null;
    }

    static bool IsReference(TypeReference type) => type switch
    {
        ArrayType array => !array.ElementType.IsPrimitive,
        GenericInstanceType instance => !instance.IsValueType,
        TypeSpecification => false,     // by reference, pointer, pinned, modified: the caller's or the frame's to keep
        _ => !type.IsValueType && type.MetadataType is not MetadataType.String,
    };

    /// <summary>A span cannot be boxed; passing it to a method that the JIT must really call keeps what it points into alive.</summary>
    MethodDefinition DefineKeepSpan(TypeReference span)
    {
        const TypeAttributes staticClass = TypeAttributes.NotPublic | TypeAttributes.Abstract | TypeAttributes.Sealed | TypeAttributes.BeforeFieldInit;
        var type = new TypeDefinition(Marker, "SpanKeeper", staticClass, module.TypeSystem.Object);
        var method = new MethodDefinition("KeepAlive", MethodAttributes.Assembly | MethodAttributes.Static | MethodAttributes.HideBySig, module.TypeSystem.Void);
        method.ImplAttributes |= MethodImplAttributes.NoInlining | MethodImplAttributes.NoOptimization;
        method.Parameters.Add(new ParameterDefinition(span));
        method.Body.GetILProcessor().Emit(OpCodes.Ret);
        type.Methods.Add(method);
        module.Types.Add(type);
        return method;
    }

    void Mark()
    {
        var constructor = new MethodReference(".ctor", module.TypeSystem.Void, Known("System.Reflection.AssemblyMetadataAttribute")) { HasThis = true };
        var text = module.TypeSystem.String;
        constructor.Parameters.Add(new ParameterDefinition(text));
        constructor.Parameters.Add(new ParameterDefinition(text));
        var attribute = new CustomAttribute(constructor);
        attribute.ConstructorArguments.Add(new CustomAttributeArgument(text, Marker));
        attribute.ConstructorArguments.Add(new CustomAttributeArgument(text, "keep-alive"));
        module.Assembly.CustomAttributes.Add(attribute);
        // The bytes no longer match their signature; the runtime does not check it, but other tools read the flag.
        module.Attributes &= ~ModuleAttributes.StrongNameSigned;
    }

    TypeReference Known(string name) => module.TryGetTypeReference(name, out var type)
        ? type
        : throw new RepairException($"{module.Name} without a reference to {name}", "an assembly that uses it", RepairException.UnknownPackage);

    static byte[] Write(ModuleDefinition module)
    {
        using var stream = new MemoryStream();
        module.Write(stream, new WriterParameters { DeterministicMvid = true, Timestamp = 0 });
        return stream.ToArray();
    }

    static IEnumerable<MethodDefinition> Methods(ModuleDefinition module) => module.GetTypes().SelectMany(type => type.Methods);

    static bool IsCall(Instruction instruction) => instruction.OpCode.Code is Code.Call or Code.Callvirt;

    static bool IsNativeCall(Instruction instruction) =>
        IsCall(instruction) && instruction.Operand is MethodReference { DeclaringType.FullName: NativeMethods };

    static bool IsHandleGetter(Instruction instruction) =>
        IsCall(instruction) && instruction.Operand is MethodReference { Name: "get_Handle" or "DangerousGetHandle" };

    static bool KeepsAlive(MethodDefinition method) =>
        method.Body.Instructions.Any(i => i.Operand is MethodReference { Name: nameof(GC.KeepAlive), DeclaringType.FullName: "System.GC" });

    /// <summary>A finalizer and <c>Dispose(bool)</c> run when nothing is left to be kept, and must not resurrect.</summary>
    static bool Releases(MethodDefinition method) => method.Name is "Finalize" || method is { Name: "Dispose", Parameters: [{ ParameterType.FullName: "System.Boolean" }] };

    static bool IsMarker(CustomAttribute attribute) =>
        attribute.AttributeType.Name == "AssemblyMetadataAttribute" && attribute.ConstructorArguments is [{ Value: Marker }, ..];
}

/// <summary>What the rewriter changed.</summary>
readonly record struct RewriteCounts(int Methods, int Calls, int StackTemporaries)
{
    public static RewriteCounts operator +(RewriteCounts a, RewriteCounts b) =>
        new(a.Methods + b.Methods, a.Calls + b.Calls, a.StackTemporaries + b.StackTemporaries);
}
