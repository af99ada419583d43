using Raijin.Cli;

var terminal = new Terminal(Console.Out, Console.Error, TerminalStyle.OfProcess());
return new RaijinApp(BuiltInTasks.All, terminal).Run(args);
