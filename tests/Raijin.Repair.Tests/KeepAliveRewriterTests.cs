using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using System.Text;
using Mono.Cecil;
using Mono.Cecil.Cil;
using Mono.Cecil.Rocks;
using MethodBody = Mono.Cecil.Cil.MethodBody;

namespace Raijin.Repair.Tests;

public sealed class KeepAliveRewriterTests
{
    static readonly (byte[] Assembly, RewriteCounts Counts) Cured = KeepAliveRewriter.Cure(StockPackage.Assembly)!.Value;

    [Fact]
    public void Every_native_call_outside_releases_is_covered()
    {
        Assert.True(Cured.Counts.Calls >= 1_200, $"{Cured.Counts}");
        Assert.True(Cured.Counts.Methods >= 1_100, $"{Cured.Counts}");
        Assert.True(Cured.Counts.StackTemporaries >= 15, $"{Cured.Counts}");
        Assert.True(Cured.Counts.LazySequences >= 8, $"{Cured.Counts}");

        var uncovered = Calling(Cured.Assembly).Where(m => !IsRelease(m)).SelectMany(m => m.Body.Instructions.Where(IsNative).Where(c => !IsCovered(m, c)).Select(c => $"{m.FullName}: {c}"));
        Assert.Empty(uncovered);
    }

    [Fact]
    public void No_handle_is_read_from_a_wrapper_that_nothing_holds()
    {
        var unheld = Calling(Cured.Assembly).Where(m => !IsRelease(m)).SelectMany(m => Simplified(m).Instructions.Where(i => i.Operand is MethodReference { Name: "get_Handle" })
            .Where(i => !IsHeld(i.Previous)).Select(i => $"{m.FullName}: {i.Previous}"));
        Assert.Empty(unheld);

        static bool IsHeld(Instruction source) =>
            source.OpCode.Code is Code.Ldarg or Code.Ldloc
            || source is { OpCode.Code: Code.Stloc, Previous.OpCode.Code: Code.Dup }
            // The script's arguments hold it.
            || source is { OpCode.Code: Code.Stfld, Operand: FieldReference { Name: "heldForNativeCode" } };
    }

    [Theory]
    [InlineData("TorchSharp.NativeTensorOrScalarIndexedArray")]
    [InlineData("TorchSharp.torch/autograd/Node`1")]
    public void What_outlives_its_method_is_held_by_a_field(string type)
    {
        using var module = Read(Cured.Assembly);
        Assert.Contains(module.GetType(type).Fields, f => f.Name == "heldForNativeCode");
    }

    [Fact]
    public void The_accessors_of_elements_hold_their_tensor_until_they_return()
    {
        using var module = Read(Cured.Assembly);
        var readers = module.GetTypes().SelectMany(t => t.Methods)
            .Where(m => m is { HasBody: true, HasThis: true } && m.Body.Instructions.Any(i => i.OpCode.Code == Code.Ldfld && i.Operand is FieldReference { Name: "_tensor_data_ptr" })).ToList();
        Assert.NotEmpty(readers);
        Assert.All(readers, m => Assert.All(m.Body.Instructions.Where(i => i.OpCode.Code == Code.Ret), ret => Assert.True(IsKeepAlive(ret.Previous), m.FullName)));
    }

    /// <summary>The JIT refuses a method with a broken stack, a wrong branch or a forbidden type.</summary>
    [Fact]
    public void The_JIT_accepts_every_changed_method()
    {
        var context = new AssemblyLoadContext("repaired", isCollectible: true);
        var assembly = context.LoadFromStream(new MemoryStream(Cured.Assembly));
        using var module = Read(Cured.Assembly);
        var prepared = 0;
        foreach (var changed in module.GetTypes().SelectMany(t => t.Methods).Where(m => m.HasBody && m.Body.Instructions.Any(IsKeepAlive)))
        {
            if (changed.HasGenericParameters || changed.DeclaringType.HasGenericParameters)
                continue;
            RuntimeHelpers.PrepareMethod(assembly.ManifestModule.ResolveMethod(changed.MetadataToken.ToInt32())!.MethodHandle);
            prepared++;
        }
        Assert.True(prepared > 1_000, $"{prepared}");
        context.Unload();
    }

    [Fact]
    public void The_same_input_gives_the_same_bytes() => Assert.True(KeepAliveRewriter.Cure(StockPackage.Assembly)!.Value.Assembly.AsSpan().SequenceEqual(Cured.Assembly));

    [Fact]
    public void The_public_surface_is_unchanged()
    {
        using var stock = Read(StockPackage.Assembly);
        using var cured = Read(Cured.Assembly);
        Assert.Equal(Surface(stock), Surface(cured));
        Assert.Equal(stock.Assembly.FullName, cured.Assembly.FullName);
        Assert.Equal(stock.AssemblyReferences.Select(r => r.FullName), cured.AssemblyReferences.Select(r => r.FullName));

        static List<string> Surface(ModuleDefinition module) => [.. module.GetTypes().Where(t => t.IsPublic || t.IsNestedPublic)
            .SelectMany(t => t.Methods.Where(m => m.IsPublic).Select(m => m.FullName).Concat(t.Fields.Where(f => f.IsPublic).Select(f => f.FullName))).Order(StringComparer.Ordinal)];
    }

    [Fact]
    public void A_repaired_assembly_needs_no_cure() => Assert.Null(KeepAliveRewriter.Cure(Cured.Assembly));

    [Fact]
    public void An_assembly_whose_authors_keep_alive_needs_no_cure()
    {
        using var module = Read(Cured.Assembly);
        module.Types.Remove(module.GetType(KeepAliveEmitter.Marker) is { } marker ? Emptied(marker) : throw new InvalidOperationException("no marker"));
        // The switch of the library search lives in the marker type.
        var search = module.GetType("TorchSharp.torch").Methods.Single(m => m.Name == "LoadNativeBackend");
        foreach (var first in search.Body.Instructions.Take(6).ToList())
            search.Body.Instructions.Remove(first);
        foreach (var method in module.GetTypes().SelectMany(t => t.Methods).Where(m => m.HasBody))
            foreach (var call in method.Body.Instructions.Where(i => i.Operand is MethodReference { Name: "KeepSpan" }).ToList())
                (call.OpCode, call.Operand) = (OpCodes.Pop, null);
        using var stream = new MemoryStream();
        module.Write(stream);

        Assert.Null(KeepAliveRewriter.Cure(stream.ToArray()));

        static TypeDefinition Emptied(TypeDefinition type)
        {
            type.Methods.Clear();
            type.Fields.Clear();
            return type;
        }
    }

    [Fact]
    public void Another_assembly_is_refused()
    {
        var error = Assert.Throws<RepairException>(() => KeepAliveRewriter.Cure(File.ReadAllBytes(typeof(ModuleDefinition).Assembly.Location)));

        Assert.Equal("given: Mono.Cecil.dll without TorchSharp.PInvoke.NativeMethods; expected: TorchSharp.dll with its native methods in that class; " +
            $"remedy: {RepairException.UnknownPackage}", error.Message);
    }

    [Fact]
    public void A_TorchSharp_with_few_native_calls_is_refused()
    {
        using var module = Read(StockPackage.Assembly);
        var tensor = module.GetType("TorchSharp.torch/Tensor");
        foreach (var method in tensor.Methods.Where(m => m.HasBody))
            method.Body = new MethodBody(method) { Instructions = { Instruction.Create(OpCodes.Ldnull), Instruction.Create(OpCodes.Throw) } };
        using var stream = new MemoryStream();
        module.Write(stream);

        var error = Assert.Throws<RepairException>(() => KeepAliveRewriter.Cure(stream.ToArray()));

        Assert.Contains("native calls in TorchSharp.dll; expected: at least 1000", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("not an assembly")]
    public void What_is_no_assembly_is_refused(string content)
    {
        var error = Assert.Throws<RepairException>(() => KeepAliveRewriter.Cure(Encoding.UTF8.GetBytes(content)));
        Assert.Contains("delete the TorchSharp folder of the package cache", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_truncated_assembly_is_refused() => Assert.Throws<RepairException>(() => KeepAliveRewriter.Cure(StockPackage.Assembly[..(StockPackage.Assembly.Length / 2)]));

    static ModuleDefinition Read(byte[] assembly) => ModuleDefinition.ReadModule(new MemoryStream(assembly));

    static List<MethodDefinition> Calling(byte[] assembly) => [.. Read(assembly).GetTypes().SelectMany(t => t.Methods).Where(m => m.HasBody && m.Body.Instructions.Any(IsNative))];

    static MethodBody Simplified(MethodDefinition method)
    {
        method.Body.SimplifyMacros();
        return method.Body;
    }

    /// <summary>All that the method holds is loaded and kept alive right after the call. Written without the rewriter's own rules.</summary>
    static bool IsCovered(MethodDefinition method, Instruction call)
    {
        var kept = new HashSet<object>();
        var body = Simplified(method);
        for (var i = call.Next; i is { OpCode.Code: Code.Ldarg or Code.Ldloc }; i = i.Next)
        {
            var loaded = i.Operand;
            i = i.Next;
            if (i.OpCode.Code == Code.Box)
                i = i.Next;
            if (!IsKeepAlive(i) && i.Operand is not MethodReference { Name: "KeepSpan" })
                break;
            kept.Add(loaded);
        }
        var wrappers = method.Parameters.Where(p => IsWrapper(p.ParameterType)).Cast<object>().Concat(body.Variables.Where(v => IsWrapper(v.VariableType)));
        if (method.HasThis && !method.IsConstructor && !method.DeclaringType.IsValueType)
            wrappers = wrappers.Append(body.ThisParameter);
        return wrappers.All(kept.Contains);
    }

    /// <summary>A type through which a tensor, scalar, generator or module can be reached.</summary>
    static bool IsWrapper(TypeReference type) => type switch
    {
        ArrayType array => IsWrapper(array.ElementType),
        GenericInstanceType { ElementType.FullName: "System.ReadOnlySpan`1" or "System.Collections.Generic.IList`1" or "System.Collections.Generic.IEnumerable`1" or "System.Collections.Generic.List`1" } list => IsWrapper(list.GenericArguments[0]),
        TypeSpecification => false,
        TypeDefinition definition => !definition.IsValueType && definition.Methods.Any(m => m.Name is "get_Handle" or "Finalize"),
        _ => false,
    };

    static bool IsRelease(MethodDefinition method) => method.Name == "Finalize" || (method.Name == "Dispose" && method.Parameters.Count == 1);

    static bool IsNative(Instruction instruction) => instruction.OpCode.FlowControl == FlowControl.Call && instruction.Operand is MethodReference { DeclaringType.FullName: "TorchSharp.PInvoke.NativeMethods" };

    static bool IsKeepAlive(Instruction instruction) => instruction.Operand is MethodReference { Name: "KeepAlive", DeclaringType.FullName: "System.GC" };
}
