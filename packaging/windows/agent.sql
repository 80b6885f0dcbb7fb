-- What wixl cannot say, put into the installer's tables after it. One statement a line; order is by number.
-- The port that the shortcut shows: given now, else as before, else the usual one.
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('PortGiven', 51, 'PAGEPORT', '[PORT]')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('PortSaved', 51, 'PAGEPORT', '[SAVEDPORT]')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('PortUsual', 51, 'PAGEPORT', '8710')
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('PortGiven', 'PORT', 51)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('PortSaved', 'NOT PAGEPORT AND SAVEDPORT', 52)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('PortUsual', 'NOT PAGEPORT', 53)
-- The program is run as the system, in the installation itself (18 + 1024 + 2048), and what it is told is hidden where
-- there is the one-time code in it (+ 8192).
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('InstallService', 11282, 'AgentExe', 'service install --data "[CommonAppDataFolder]Kentongan\Agent" --hub "[HUB_URL]" --code "[ENROL_CODE]" --file "[ENROL_FILE]" --port "[PORT]"')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('CheckUnsent', 3090, 'AgentExe', 'service uninstall --check --data "[CommonAppDataFolder]Kentongan\Agent" --force-with-unsent "[UNSENT]"')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('RemoveService', 3090, 'AgentExe', 'service uninstall --data "[CommonAppDataFolder]Kentongan\Agent" --force-with-unsent "[UNSENT]"')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('PurgeData', 3090, 'AgentExe', 'service uninstall --purge --data "[CommonAppDataFolder]Kentongan\Agent" --force-with-unsent "[UNSENT]"')
-- Removing: first the look whether anything would be lost, while the service still runs. An upgrade removes nothing.
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('CheckUnsent', 'REMOVE="ALL" AND NOT UPGRADINGPRODUCTCODE', 1650)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('RemoveService', 'REMOVE="ALL" AND NOT UPGRADINGPRODUCTCODE AND NOT PURGE', 1950)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('PurgeData', 'REMOVE="ALL" AND NOT UPGRADINGPRODUCTCODE AND PURGE', 1951)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('InstallService', 'NOT REMOVE', 5850)
-- An upgrade asks the old installer for its one feature, by name. Windows says the same by UPGRADINGPRODUCTCODE; wine does not,
-- and would take it for a removal, refused while records have not arrived, with two versions installed in the end.
UPDATE `Upgrade` SET `Remove`='Agent' WHERE `ActionProperty`='WIX_UPGRADE_DETECTED'
UPDATE `Component` SET `Condition`='START="1"' WHERE `Component`='Start'
UPDATE `Component` SET `Condition`='SHORTCUT="1"' WHERE `Component`='Shortcut'
UPDATE `Property` SET `Value`='HUB_URL;ENROL_CODE;ENROL_FILE;PORT;START;SHORTCUT;PURGE;UNSENT;WIX_DOWNGRADE_DETECTED;WIX_UPGRADE_DETECTED' WHERE `Property`='SecureCustomProperties'
INSERT INTO `Property` (`Property`, `Value`) VALUES ('MsiHiddenProperties', 'ENROL_CODE;InstallService')
-- A value in which Windows puts the name of its own folder, and a search where 64-bit programs keep theirs.
UPDATE `Registry` SET `Value`='#%%SystemRoot%\System32\EventCreate.exe' WHERE `Name`='EventMessageFile'
UPDATE `RegLocator` SET `Type`=18 WHERE `Signature_`='SavedPort'
-- Never a question about starting Windows anew.
INSERT INTO `Property` (`Property`, `Value`) VALUES ('REBOOT', 'ReallySuppress')
