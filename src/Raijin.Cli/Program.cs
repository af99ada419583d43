using Raijin.Cli;

return BuiltInTasks.App().Run(args);
