// A trained model as a web service on this machine: the best checkpoint's weights, asked by JSON.
//   dotnet run -c Release --project samples/17_servable                     trains, tests itself and exits
//   dotnet run -c Release --project samples/17_servable -- CHECKPOINT PORT  answers until Ctrl-C, from a checkpoint of before

using System.Net.Http.Json;
using Microsoft.Extensions.Hosting;
using Raijin;

var digits = Digits.Load().Split(validation: 0.2);
var checkpoint = args.Length > 0 ? args[0] : Train();
using var model = new ServableModel<DigitReader>(new DigitReader(), checkpoint);
await using var service = DigitService.Create(model, port: args.Length > 1 ? int.Parse(args[1]) : 0);
await service.StartAsync();
var address = service.Urls.First();
Console.WriteLine($"{Path.GetFileName(checkpoint)} answers at {address}/digit");
if (args.Length > 1)
{
    await service.WaitForShutdownAsync();
    return 0;
}
var passed = await Test();
await service.StopAsync();
return passed ? 0 : 1;

string Train()
{
    var trainer = new Trainer(new() { MaxEpochs = 5, Callbacks = [new ModelCheckpoint { Monitor = Best.Max("val/accuracy") }], Summary = false, Progress = false });
    return trainer.Fit(new DigitReader(), digits.Batches(64)).BestCheckpoint!;
}

// As whoever uses it would: right questions, all at once, and wrong ones.
async Task<bool> Test()
{
    using var client = new HttpClient { BaseAddress = new(address), Timeout = TimeSpan.FromSeconds(30) };
    var some = digits.Validation!.First(100).All();
    var (pixels, labels) = (some.Inputs.data<float>().ToArray().Chunk(DigitQuestion.NumPixels).ToArray(), some.Labels.data<long>().ToArray());
    var answers = await Task.WhenAll(pixels.Select(async p => await Read(await client.PostAsJsonAsync("/digit", new DigitQuestion(p)))));
    var right = answers.Zip(labels).Count(pair => pair.First.Digit == pair.Second);
    Console.WriteLine($"{right} of {labels.Length} pictures are read right; the first is a {answers[0].Digit} with probability {answers[0].Probability:p1}.");

    using var refused = await client.PostAsJsonAsync("/digit", new DigitQuestion([0.5f, 2]));
    Console.WriteLine($"Two pixels: {(int)refused.StatusCode} {await refused.Content.ReadAsStringAsync()}");
    return right >= 0.9 * labels.Length && (int)refused.StatusCode == 400;
}

static async Task<DigitAnswer> Read(HttpResponseMessage response)
{
    using (response) return (await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<DigitAnswer>())!;
}
