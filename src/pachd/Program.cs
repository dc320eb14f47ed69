using System.CommandLine;
using Pachyderm.Errors;
using Pachyderm.Pachd.Configuration;
using Pachyderm.Pachd.Hosting;
using Pachyderm.Pachd.Services;

// Exit codes: 0 stopped as told; 1 could not start or failed; 3 wrong usage or configuration.
PachdConfiguration configuration = new();
RootCommand root = new(
    $"""
    pachd {VersionService.Text}: serves versioned data to pachctl and to every client of Pachyderm 1.5.

      pachd --data /srv/pachd
      pachctl create-repo images && pachctl put-file images master -c -f a.png

    A flag goes before its environment variable, and that before the configuration file. SIGTERM stops it: running calls end first.
    """);
foreach (Option flag in configuration.Flags)
{
    root.Options.Add(flag);
}
root.SetAction(async (parsed, cancellationToken) =>
{
    PachdOptions options;
    try
    {
        options = configuration.Read(parsed, Environment.GetEnvironmentVariable);
    }
    catch (OperatorException exception)
    {
        Console.Error.WriteLine($"pachd: {exception.Message}");
        return 3;
    }
    try
    {
        await PachdHost.RunAsync(options, cancellationToken);
        return 0;
    }
    catch (OperatorException exception)
    {
        Console.Error.WriteLine($"pachd: {exception.Message}");
        return 1;
    }
});

ParseResult parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    foreach (var error in parsed.Errors)
    {
        Console.Error.WriteLine($"pachd: {error.Message}");
    }
    Console.Error.WriteLine("See `pachd --help`.");
    return 3;
}
// The host listens for the signals itself.
return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
