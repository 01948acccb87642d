# Listeners: functions and futures that wait to be told something once.
