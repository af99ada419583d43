using TorchSharp;
var x = torch.ones(2, 3) * 2.5f;
System.Diagnostics.Debug.Assert(x.sum().item<float>() == 15);
#pragma warning disable RS0030
Console.WriteLine(x.sum().item<float>());
