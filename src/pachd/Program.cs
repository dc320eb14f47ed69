using Pachyderm.Pachd.Configuration;

return await CommandLine.RunAsync(args);
