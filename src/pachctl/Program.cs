using Pachyderm.Pachctl;

return await CommandLine.RunAsync(args);
