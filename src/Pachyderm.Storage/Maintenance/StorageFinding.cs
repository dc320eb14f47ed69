namespace Pachyderm.Storage.Maintenance;

/// <summary>Something about stored bytes that a person should know.</summary>
/// <param name="Id">Stable identifier in kebab case.</param>
/// <param name="Thing">The pack, chunk, file or directory.</param>
/// <param name="Problem">What is wrong, without a final full stop.</param>
/// <param name="Remedy">What to do, or what was done, without a final full stop.</param>
/// <param name="Fixed">Whether it is put right already.</param>
public sealed record StorageFinding(string Id, string Thing, string Problem, string Remedy, bool Fixed);
